"""What people read of data protection outside of pages: copies, messages; `words.toml`, read once."""

from __future__ import annotations

from simcheck.web import words
from simcheck.web.words import Words

WORDS = words.read(Words, "simcheck.care")
