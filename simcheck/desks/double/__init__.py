"""Blind double review: the next case to be judged again, judgements that differ, and how well people agree."""
