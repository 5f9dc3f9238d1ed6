"""Signing in and out, and one's own account.

    steps.py       password, one-time code, the first sign-in's enrolment, the way out
    elsewhere.py   signing in at the identity provider
    account.py     one's own password, recovery codes and sessions
    half.py        what the browser keeps between the two steps

What is right and what is not is judged by `simcheck.access`.
"""
