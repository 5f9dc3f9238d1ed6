"""Files on their way in over HTTP, whichever door they come through.

    bodies.py   a file in a request's body, sealed as it comes
    whole.py    such a file becomes a batch
    tus.py      resumable uploads, the protocol
    sender.py   who sends

A door (`simcheck.api`, `simcheck.desks`) says who may send and under which paths.
"""
