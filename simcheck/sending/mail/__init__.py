"""Email: a message made and signed, handed to a mail server, and what comes back of it."""
