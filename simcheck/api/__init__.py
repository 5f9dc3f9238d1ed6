"""The door for other systems: HTTP with JSON."""
