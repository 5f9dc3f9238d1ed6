"""What holders answer by SMS, as they know it from 1414.

`commands.py` reads what somebody wrote; `handle.py` does it and answers, within limits.
"""
