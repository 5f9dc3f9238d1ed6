"""What is over and holds is found by indexes; a day of orders that nobody reads is gone."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"

INDEXES = """
CREATE INDEX clock_not_undone_idx ON clock (carrier, msisdn_token)
    WHERE step IN (1, 2) AND ended_at IS NOT NULL;
CREATE INDEX order_line_overtaken_idx ON order_line (carrier, msisdn_token) WHERE state = 'overtaken'
"""
DAY = "ALTER TABLE order_batch DROP COLUMN day"


def upgrade() -> None:
    """Add the indexes, drop the column."""
    op.execute(INDEXES)
    op.execute(DAY)
