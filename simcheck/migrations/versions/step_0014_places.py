"""Where a subscription is, and where it was sold: what the country's figures are divided by."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"

# A run fills them from what was declared; those that stand already are filled by their next run.
PLACES = """
ALTER TABLE subscription ADD COLUMN province text, ADD COLUMN point_of_sale text;
ALTER TABLE "case" ADD COLUMN province text
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(PLACES)
