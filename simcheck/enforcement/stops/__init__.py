"""What stands in the way of every order about a subscription, whatever its clock says: bars and appeals.

standing.py   what stops orders now, as SQL that guards, clocks and restorations share
bars.py       legal holds and protected lines: asked for by one person, confirmed by another
appeals.py    objections, each with a clock for its answer; decided by somebody else than who ordered
words.py      the same in two languages
"""
