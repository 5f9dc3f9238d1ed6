"""OTP questions know the batch with which they were chained."""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE

revision = "0008"
down_revision = "0007"

# A batch's root in the audit chain can be worked out again only if its questions are known exactly: ids are
# given out before a commit, so a late question may stand between those of an earlier batch.
CHAINED = """
ALTER TABLE otp_question DROP COLUMN chained;
ALTER TABLE otp_question ADD COLUMN chained bigint;
CREATE INDEX otp_question_unchained_idx ON otp_question (id) WHERE chained IS NULL;
CREATE INDEX otp_question_chained_idx ON otp_question (chained)
"""


def upgrade() -> None:
    """A number in place of a truth value. Questions chained so far are chained once more."""
    op.execute(CHAINED)
    op.execute(f"GRANT UPDATE (chained) ON otp_question TO {SERVICE_ROLE}")
