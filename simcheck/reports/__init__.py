"""The country in figures: how much of it is real, what comes and goes, what an inspector should look at.

kinds, drill      what a figure counts: one condition that counts its rows and lists them
history, figures  subscriptions by carrier, province, verdict and reason: counted by a job, read at once
flow              cases, notices, corrections and questions by day
lives, delivery   every case by outcome and age; what became of every notice
invariants        what must add up: equalities over the tables, with the lines that do not
open_data         what the public is given, once a day
work              the work by carrier, and what of it is hidden from whom
patterns          people and points of sale that stand out
suppress          tables in which no small group can be seen
charts, sheets    pictures with their tables; CSV and XLSX
monthly           the report of a month, made of `document`, written by `render`
"""
