"""The ministry's desk: which cases there are, who looks at which one, and what they decide.

`filters.py` says which cases are meant; `queue.py` lists, counts and finds them, `views.py` keeps filters
under names. `claim.py` gives a reviewer the next case for a while, `assign.py` gives it to somebody for
longer. `dossier.py` is a case and what it is about, `records.py` both records of it, `known.py` what is known
beside them, `unmask.py` the audited look. `decide.py` takes a decision in; some seconds later it binds.
"""
