"""Subscriber files on their way in, and the batches that they become.

    vault.py     the files as they came, sealed, until their batch is done
    receive.py   a file that arrived whole becomes a batch; the same file twice is one
    resume.py    files that arrive in pieces (tus)
    stages.py    a batch's way: received, reading, checking or refused
    load.py      rows of a snapshot into the lake, bucket by bucket
    delta.py     a delta and the dataset before it become a full dataset
    find.py      what carriers ask about their batches
    drop.py      a folder from which files are taken

A carrier's batches are taken one after another in the order in which they came.
"""
