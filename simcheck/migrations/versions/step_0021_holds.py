"""Events that carriers tell of SIMs and handsets have ids of theirs."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"

# An event of a carrier's is kept once. Ids are kept as tokens: a carrier may write numbers into them.
EVENT_ID = """
ALTER TABLE sim_event ADD COLUMN event_token bytea,
    ADD CONSTRAINT sim_event_carrier_event_token_key UNIQUE (carrier, event_token)
"""


def upgrade() -> None:
    """Change the table."""
    op.execute(EVENT_ID)
