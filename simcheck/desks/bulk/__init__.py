"""Bulk decisions: proposed from a filter, looked at by a second person, carried out, followed, stopped."""
