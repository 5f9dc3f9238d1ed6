"""How far each case's notices are, campaigns, and how many notices an address had on a day."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0010"
down_revision = "0009"

# A campaign over all carriers has none, and is seen in the ministry's scope alone.
CAMPAIGN = """
CREATE TABLE campaign (
    id uuid CONSTRAINT campaign_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT campaign_name_key UNIQUE,
    carrier text,
    reason_group text,
    template text NOT NULL,
    state text NOT NULL
        CONSTRAINT campaign_state_check CHECK (state IN ('draft', 'released', 'done', 'cancelled')),
    tracks bigint NOT NULL,
    unreachable bigint NOT NULL,
    sms bigint NOT NULL,
    emails bigint NOT NULL,
    parts bigint NOT NULL,
    cost_vnd bigint NOT NULL,
    whole_cost_vnd bigint NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    released_by text,
    released_at timestamptz,
    ended_at timestamptz
)
"""
# A run may bring hundred thousands of rows: no foreign key is paid for each (nobody can delete a case), and
# rows keep room for what changes every day.
TRACK = """
CREATE TABLE notice_track (
    case_id uuid CONSTRAINT notice_track_pkey PRIMARY KEY,
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    reason_group text NOT NULL,
    state text NOT NULL CONSTRAINT notice_track_state_check
        CHECK (state IN ('waiting', 'active', 'unreachable', 'paused', 'done', 'ended')),
    campaign_id uuid,
    round smallint NOT NULL DEFAULT 1,
    count smallint NOT NULL DEFAULT 0,
    first_at timestamptz,
    last_at timestamptz,
    next_at timestamptz
) WITH (fillfactor = 70);
CREATE INDEX notice_track_next_at_idx ON notice_track (next_at) WHERE state IN ('active', 'unreachable');
CREATE INDEX notice_track_carrier_reason_group_idx ON notice_track (carrier, reason_group)
    WHERE state = 'waiting';
CREATE INDEX notice_track_campaign_id_idx ON notice_track (campaign_id) WHERE campaign_id IS NOT NULL
"""
# An address is not a carrier's: two of them may write to one.
DAY = """
CREATE TABLE notice_day (
    day date NOT NULL,
    address_token bytea NOT NULL,
    count smallint NOT NULL,
    CONSTRAINT notice_day_pkey PRIMARY KEY (day, address_token)
) WITH (fillfactor = 85)
"""


def upgrade() -> None:
    """Make the tables."""
    for change in (CAMPAIGN, TRACK, DAY):
        op.execute(change)
    tenant("campaign", "INSERT", "UPDATE")
    tenant("notice_track", "INSERT", "UPDATE")
    serve("notice_day", "INSERT", "UPDATE", "DELETE")
