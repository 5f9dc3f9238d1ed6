"""What cases, feedback and webhooks need beside their first tables."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

# Whom the record names: a case of another person is another case.
CASE = 'ALTER TABLE "case" ADD COLUMN id_token bytea'
# A run opens hundreds of thousands of cases at once, and each index and foreign key is paid for every one of
# them. Lists go by age, a page at a time; a number's open case is found by its own index, its closed ones by
# another; updates that close nothing touch no index. Nobody can delete a case: its events lose nothing.
CASE_IN_BULK = """
ALTER TABLE "case" SET (fillfactor = 85);
ALTER TABLE "case" DROP CONSTRAINT case_carrier_fkey;
ALTER TABLE case_event DROP CONSTRAINT case_event_case_id_fkey;
DROP INDEX case_msisdn_token_idx, case_carrier_state_idx, case_carrier_contract_token_idx, case_due_at_idx;
CREATE INDEX case_closed_idx ON "case" (msisdn_token, carrier) WHERE closed_at IS NOT NULL;
CREATE INDEX case_carrier_opened_at_id_idx ON "case" (carrier, opened_at, id);
CREATE INDEX case_due_at_idx ON "case" (due_at) WHERE due_at IS NOT NULL
"""
# The person named has disowned the number, or two people claim it: whoever asks before a one-time code is
# told no, whatever the record says.
SUBSCRIPTION = "ALTER TABLE subscription ADD COLUMN contested boolean NOT NULL DEFAULT false"
# A batch's file is made once; what was acknowledged leaves the lake after a while.
FEEDBACK = """
ALTER TABLE feedback ADD COLUMN purged_at timestamptz;
CREATE UNIQUE INDEX feedback_run_id_idx ON feedback (run_id) WHERE batch_id IS NOT NULL
"""
# What an event is about; one address is told of it once.
WEBHOOK_DELIVERY = """
ALTER TABLE webhook_delivery ADD COLUMN subject text NOT NULL;
DROP INDEX webhook_delivery_webhook_id_idx;
CREATE UNIQUE INDEX webhook_delivery_webhook_id_event_subject_idx
    ON webhook_delivery (webhook_id, event, subject)
"""


def upgrade() -> None:
    """Add the columns and indexes."""
    for change in (CASE, CASE_IN_BULK, SUBSCRIPTION, FEEDBACK, WEBHOOK_DELIVERY):
        op.execute(change)
