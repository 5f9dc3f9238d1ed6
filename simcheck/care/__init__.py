"""Data protection: what is kept for how long and its removal, people's requests, the register of processing,
the breach drill.

    retention.toml, retention.py    how long each kind is kept, with the legal source
    kinds.py, purge.py              what is due of each kind; a purge that proves what it removed
    preserve.py                     orders by which nothing of a number or person may go
    clocks.toml, clocks.py          the legal clocks of requests
    requests.py                     a request from its beginning to its answer
    copy.py, looked.py, erase.py    what answers are made of
    processing.toml, processing.py  the register of processing activities, and which table belongs to which
    breach.py                       what a leak would touch
"""
