"""What has to be put right about a subscription, who acts, and what became of it.

`states.py` is the table of states and moves: nothing happens to a case that does not stand in it.
`after_run.py` makes the moves of runs, many at once; `decide.py` those of people and of the clock.
`find.py` and `history.py` read.
"""
