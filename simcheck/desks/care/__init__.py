"""Data protection at the ministry's desk: people's requests, how long everything is kept, what is done with
it.

    asked.py      requests: the lists, and one that staff write down    one.py    a request and its answer
    keeping.py    retention, purges, orders to preserve                 processing.py    the register
"""
