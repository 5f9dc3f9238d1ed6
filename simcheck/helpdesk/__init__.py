"""Questions of holders: each gets a number, goes to who can answer it, and is answered within a time.

`questions.py` opens, routes, answers and closes them; `figures.py` counts how well that goes.
"""
