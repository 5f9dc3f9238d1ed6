"""Harmless twins of an SMS centre and a mail server, for trials and the demonstration: they send nothing on.

A page shows what came. Everything is in memory, on this machine alone, and gone at the end.
"""
