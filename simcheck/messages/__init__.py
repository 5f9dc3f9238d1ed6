"""Texts to holders: which words, in which alphabet, in how many parts. Pure: nothing here sends.

`words.py` says what messages are about, `templates.py` reads the texts (package data), `compose.py` fills
them in; `alphabets.py` and `segments.py` are what an SMS is made of.
"""
