"""Blind double review: the next case to be judged again, judgements that differ, how well people agree."""
