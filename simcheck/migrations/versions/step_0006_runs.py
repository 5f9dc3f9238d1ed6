"""A digest of each subscription's declared cells: a run writes only rows of which something changed."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0004"

# Keyed, so that it tells nothing. Rows that a run leaves alone keep pointing to the batch that last changed
# them; `batch_id` is asked for when that batch's rows are to leave the lake.
CELLS = """
ALTER TABLE subscription ADD COLUMN cells bigint NOT NULL DEFAULT 0;
ALTER TABLE subscription ALTER COLUMN cells DROP DEFAULT
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(CELLS)
