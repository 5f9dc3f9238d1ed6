"""The administration: who may sign in, which systems may ask, how notices are set up and how they go, what
was done by whom, what failed; and the ministry's side of the help desk.

people.py, person.py, clients.py     accounts of people and of systems
policies.py, texts.py, links.py      notices: when, in which words, by which way
chain.py, failed.py                  the audit chain; work that failed
questions.py, one_question.py        holders' questions
"""
