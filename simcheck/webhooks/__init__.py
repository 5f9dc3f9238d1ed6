"""Telling carriers' systems what happened: signed, tried again, never into our own network.

    await webhooks.notify(session, "viettel", "batch.done", f"batch/{batch.id}", {"batch": str(batch.id)})

stores one delivery for each address that wants the event, in the caller's transaction; jobs send them.
"""

from simcheck.webhooks.notify import notify

__all__ = ["notify"]
