"""Orders to carriers: proposed when due, approved by a second person, sent, answered, carried out; undone.

guards.py     what has to be so for an order to be made, asked at every stage by the same words
brake.py      above a daily cap everything stands still until a person lets go
propose.py    what is due becomes a proposal      approve.py   a second person looks, and approves
send.py       an approved order becomes a file    answers.py   what the carrier says of its lines
restore.py    the record agrees: undo it, today   overdue.py   whoever does not answer is reminded
find.py       lists                               words.py     the same in two languages
"""
