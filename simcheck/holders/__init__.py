"""What holders do about their own numbers: prove that they hold one, see its record, put it right.

`possession.py` proves by a one-time code who has the number in hand; `sessions.py` keeps that for a while,
and what an identity provider vouches for. `registered.py` shows the record, masked. `correct.py`,
`confirm.py` and `disown.py` are the three answers; `numbers.py` is every number under one person's ID.
"""
