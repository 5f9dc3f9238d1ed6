"""The fixtures of sending."""

from tests.sending import sending, smsc, store

__all__ = ["sending", "smsc", "store"]
