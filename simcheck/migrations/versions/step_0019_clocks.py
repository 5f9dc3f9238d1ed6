"""Policies, signed off by two people; a clock for every subscription that stays wrong, and its events."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0019"
down_revision = "0018"

POLICY = """
CREATE TABLE policy (
    version text CONSTRAINT policy_pkey PRIMARY KEY,
    text text NOT NULL,
    digest bytea NOT NULL,
    valid_from date NOT NULL,
    state text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz,
    CONSTRAINT policy_state_check CHECK (state IN ('draft', 'approved', 'withdrawn')),
    CONSTRAINT policy_four_eyes_check CHECK (approved_by <> made_by),
    CONSTRAINT policy_signed_check CHECK (num_nonnulls(approved_by, approved_at) IN (0, 2)),
    CONSTRAINT policy_approved_check CHECK (state <> 'approved' OR approved_by IS NOT NULL),
    CONSTRAINT policy_draft_check CHECK (state <> 'draft' OR approved_by IS NULL),
    CONSTRAINT policy_withdrawn_check CHECK
        (num_nonnulls(withdrawn_by, withdrawn_at) = CASE state WHEN 'withdrawn' THEN 2 ELSE 0 END)
)
"""
# Whatever a program says: what was signed stays signed by the same, and what is over stays so.
SIGNED = """
CREATE FUNCTION policy_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'withdrawn' OR (OLD.state = 'approved' AND (NEW.state = 'draft'
        OR (NEW.approved_by, NEW.approved_at) IS DISTINCT FROM (OLD.approved_by, OLD.approved_at))) THEN
        RAISE EXCEPTION 'policy %: what was signed or withdrawn cannot be changed', OLD.version;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER policy_signed BEFORE UPDATE ON policy FOR EACH ROW EXECUTE FUNCTION policy_signed()
"""
CLOCK = """
CREATE TABLE clock (
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    case_id uuid CONSTRAINT clock_case_id_key UNIQUE,
    province text,
    trigger text NOT NULL,
    track text NOT NULL,
    policy_version text NOT NULL,
    started_at timestamptz NOT NULL,
    event_at timestamptz,
    step smallint NOT NULL DEFAULT 0,
    step_at timestamptz,
    paused_at timestamptz,
    shift interval NOT NULL DEFAULT '0'::interval,
    notice_days smallint NOT NULL DEFAULT 0,
    told_at timestamptz,
    warned_at timestamptz,
    proven boolean NOT NULL DEFAULT false,
    next_step smallint,
    next_at timestamptz,
    reckoned boolean NOT NULL DEFAULT false,
    looked_at timestamptz,
    ended_at timestamptz,
    end_reason text,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT clock_pkey PRIMARY KEY (carrier, msisdn_token),
    CONSTRAINT clock_policy_version_fkey FOREIGN KEY (policy_version) REFERENCES policy (version),
    CONSTRAINT clock_trigger_check CHECK (trigger IN ('suspension', 'disowned', 'foreign_passport',
        'not_compliant', 'old_id', 'not_verified', 'device_change', 'verified')),
    CONSTRAINT clock_step_check CHECK (step BETWEEN 0 AND 3),
    CONSTRAINT clock_reached_check CHECK ((step = 0) = (step_at IS NULL)),
    CONSTRAINT clock_next_check CHECK (next_step > step),
    CONSTRAINT clock_due_check CHECK (num_nonnulls(next_step, next_at) IN (0, 2)),
    CONSTRAINT clock_ended_check CHECK (num_nonnulls(ended_at, end_reason) IN (0, 2)),
    CONSTRAINT clock_over_check CHECK (ended_at IS NULL OR next_at IS NULL)
) WITH (fillfactor = 80);
CREATE INDEX clock_due_idx ON clock (next_at)
    WHERE ended_at IS NULL AND paused_at IS NULL AND next_at IS NOT NULL;
CREATE INDEX clock_unreckoned_idx ON clock (carrier, msisdn_token) WHERE NOT reckoned;
CREATE INDEX clock_policy_idx ON clock (policy_version) WHERE ended_at IS NULL
"""
CLOCK_EVENT = """
CREATE TABLE clock_event (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT clock_event_pkey PRIMARY KEY,
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    case_id uuid,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    step smallint,
    detail jsonb NOT NULL DEFAULT '{}',
    actor text NOT NULL,
    CONSTRAINT clock_event_kind_check CHECK (kind IN ('started', 'noticed', 'paused', 'resumed', 'reset',
        'reached', 'restored', 'switched', 'ended'))
);
CREATE INDEX clock_event_msisdn_token_carrier_idx ON clock_event (msisdn_token, carrier)
"""
# A holder's face was checked again after a change of handset: that ends what the change began. Events are
# looked for in the order in which they came.
FACE = """
ALTER TABLE sim_event DROP CONSTRAINT sim_event_kind_check,
    ADD CONSTRAINT sim_event_kind_check CHECK (kind IN ('sim_changed', 'device_changed', 'face_verified'));
CREATE INDEX sim_event_received_at_idx ON sim_event USING brin (received_at)
"""


def upgrade() -> None:
    """Make the tables. What a policy says cannot be changed, and no event be rewritten."""
    for change in (POLICY, SIGNED, CLOCK, CLOCK_EVENT, FACE):
        op.execute(change)
    serve(
        "policy", "INSERT",
        "UPDATE (state, approved_by, approved_at, withdrawn_by, withdrawn_at)",
    )  # fmt: skip
    tenant("clock", "INSERT", "UPDATE")
    tenant("clock_event", "INSERT")
