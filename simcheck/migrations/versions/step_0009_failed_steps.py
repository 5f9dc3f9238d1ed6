"""Steps of a run that fail are counted, tried again after a pause, and given up at last."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

# Buckets count theirs already, and `lease_until` says when one may be taken again. A batch counts the
# attempts to make a run of it, since there is no run yet.
STEPS = """
ALTER TABLE run ADD COLUMN attempts integer NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN due_at timestamptz;
ALTER TABLE batch ADD COLUMN check_attempts integer NOT NULL DEFAULT 0;
ALTER TABLE batch ADD COLUMN check_due_at timestamptz
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(STEPS)
