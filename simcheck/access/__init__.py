"""Who may do what.

clients.py, scopes.py, tokens.py     client systems, what they may ask for, their access tokens
people.py, roles.py                  people at the desks, and the one table of what each role may do
sign_in.py, passwords.py, totp.py    how they prove who they are
staff_sessions.py                    who sits at a desk, for a while
limits.py                            how often anybody may
"""
