"""The audit chain: every decision, every view of a person's data, in the transaction of the act itself.

    audit.record(session, "batch.received", f"batch/{batch.id}", {"digest": digest.hex()})

Rows stand in streams (the kind of act, and the carrier), each a chain of its own: a row's hash covers the
row and the hash before it, so nothing in the middle can be changed or taken out. `checkpoint` signs the
last row of every stream, so that a tail cannot be cut off up to the last checkpoint; `verify` reads it all.
"""

from simcheck.audit.chain import record
from simcheck.audit.verify import Fault, checkpoint, verify

__all__ = ["Fault", "checkpoint", "record", "verify"]
