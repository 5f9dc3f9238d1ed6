"""The portal: what a carrier's people do here, each with their own carrier's rows alone.

uploads.py       sending files: a form, and resumable uploads by a script of ours
batches.py       what became of each file
feedback.py      feedback files: fetched, acknowledged
corrections.py   what holders said of the carrier's records
cases.py         cases that wait for the carrier
questions.py     holders' questions
overview.py      the carrier's own figures, which figures.py counts
systems.py       the carrier's client systems and their keys
webhooks.py      where its systems are told of events
people.py        its people
telling.py       what several of these pages say in the same words
"""
