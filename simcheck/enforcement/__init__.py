"""What stays wrong: policies that say what follows when, and a clock for every subscription that is wrong.

policy.py     a document, read and checked          calendar.py   days and working days
store.py      versions, signed off by two people    clocks.py     when what is due: the one arithmetic
machine.py    a clock, folded from its events       follow.py     clocks go with their cases
simulate.py   what would be due on each day         moves.py      what orders do to clocks
"""
