"""Data protection: when subscriptions ended, what was removed and when, orders to preserve, people's
requests; and the only ways by which history may be removed.
"""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE
from simcheck.migrations.tenancy import serve, tenant

revision = "0022"
down_revision = "0021"

# A number that its carrier declares no more, or declares as over: since when. `forgotten_at`: what hung on it
# was removed; the row itself stays while the carrier still declares the number.
SUBSCRIPTION_END = """
CREATE TABLE subscription_end (
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    ended_at timestamptz NOT NULL,
    forgotten_at timestamptz,
    CONSTRAINT subscription_end_pkey PRIMARY KEY (carrier, msisdn_token)
);
CREATE INDEX subscription_end_ended_at_idx ON subscription_end (ended_at) WHERE forgotten_at IS NULL
"""
# Of numbers that ended before this was written down, the clock begins now. The owner too sees carriers' rows
# in the ministry's scope alone.
SCOPE = "SELECT set_config('app.scope', 'ministry', true)"
ENDED_BEFORE = """
INSERT INTO subscription_end (carrier, msisdn_token, ended_at)
SELECT carrier, msisdn_token, now() FROM subscription WHERE status = 'over'
UNION
SELECT carrier, msisdn_token, now() FROM "case" WHERE NOT EXISTS (
    SELECT FROM subscription
    WHERE subscription.carrier = "case".carrier AND subscription.msisdn_token = "case".msisdn_token
)
"""
# Since when a record names the person that it names now. Of what was there before nobody knows.
NAMED_SINCE = "ALTER TABLE subscription ADD COLUMN named_since timestamptz NOT NULL DEFAULT now()"
# A purge, and what it counted of each kind: how many were due, held back, removed, and are left.
PURGE_RUN = """
CREATE TABLE purge_run (
    id uuid CONSTRAINT purge_run_pkey PRIMARY KEY,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz,
    begun_by text NOT NULL,
    policy text NOT NULL,
    whole boolean,
    CONSTRAINT purge_run_ended_check CHECK ((ended_at IS NULL) = (whole IS NULL))
);
CREATE INDEX purge_run_begun_at_idx ON purge_run (begun_at)
"""
PURGE_COUNT = """
CREATE TABLE purge_count (
    run_id uuid NOT NULL CONSTRAINT purge_count_run_id_fkey REFERENCES purge_run (id),
    kind text NOT NULL,
    older_than timestamptz NOT NULL,
    due bigint NOT NULL,
    held bigint NOT NULL,
    removed bigint NOT NULL,
    remaining bigint NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT purge_count_pkey PRIMARY KEY (run_id, kind),
    CONSTRAINT purge_count_sum_check CHECK (due = held + removed + remaining)
)
"""
# An authority's order that nothing of a number, or of a person, may be removed.
PRESERVATION = """
CREATE TABLE preservation (
    id uuid CONSTRAINT preservation_pkey PRIMARY KEY,
    msisdn_token bytea,
    id_token bytea,
    basis text NOT NULL,
    placed_by text NOT NULL,
    placed_at timestamptz NOT NULL,
    lifted_by text,
    lifted_at timestamptz,
    CONSTRAINT preservation_of_check CHECK (num_nonnulls(msisdn_token, id_token) = 1),
    CONSTRAINT preservation_lifted_check CHECK (num_nonnulls(lifted_by, lifted_at) IN (0, 2))
);
CREATE INDEX preservation_msisdn_token_idx ON preservation (msisdn_token) WHERE lifted_at IS NULL;
CREATE INDEX preservation_id_token_idx ON preservation (id_token) WHERE lifted_at IS NULL
"""
# What a person asks of us about their own data, with the clocks of the law.
PERSON_REQUEST = """
CREATE TABLE person_request (
    id uuid CONSTRAINT person_request_pkey PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT person_request_number_key UNIQUE,
    kind text NOT NULL,
    state text NOT NULL,
    means text NOT NULL,
    language text NOT NULL,
    carrier text CONSTRAINT person_request_carrier_fkey REFERENCES carrier (code),
    msisdn_token bytea,
    id_token bytea,
    telephone bytea,
    words bytea,
    form uuid NOT NULL CONSTRAINT person_request_form_key UNIQUE,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    acknowledge_by timestamptz NOT NULL,
    acknowledged_at timestamptz,
    answer_by timestamptz NOT NULL,
    extended_at timestamptz,
    extended_why text,
    answered_at timestamptz,
    answered_by text,
    outcome text,
    answer bytea,
    late boolean NOT NULL DEFAULT false,
    CONSTRAINT person_request_kind_check CHECK (kind IN ('copy', 'looked', 'correct', 'erase', 'restrict')),
    CONSTRAINT person_request_state_check CHECK (state IN ('received', 'acknowledged', 'answered')),
    CONSTRAINT person_request_means_check CHECK (means IN ('page', 'staff')),
    CONSTRAINT person_request_outcome_check CHECK (outcome IN ('done', 'in_part', 'refused')),
    CONSTRAINT person_request_of_check CHECK (num_nonnulls(msisdn_token, id_token) = 1),
    CONSTRAINT person_request_acknowledged_check CHECK
        ((state = 'received') = (acknowledged_at IS NULL AND answered_at IS NULL)),
    CONSTRAINT person_request_answered_check CHECK
        (num_nonnulls(answered_at, answered_by, outcome) = CASE WHEN state = 'answered' THEN 3 ELSE 0 END),
    CONSTRAINT person_request_extended_check CHECK (num_nonnulls(extended_at, extended_why) IN (0, 2))
);
CREATE INDEX person_request_msisdn_token_idx ON person_request (msisdn_token) WHERE msisdn_token IS NOT NULL;
CREATE INDEX person_request_id_token_idx ON person_request (id_token) WHERE id_token IS NOT NULL;
CREATE INDEX person_request_open_idx ON person_request (answer_by, number) WHERE answered_at IS NULL;
CREATE INDEX person_request_answered_at_idx ON person_request (answered_at) WHERE answered_at IS NOT NULL
"""
# The files of an answer, sealed, until their time is over.
REQUEST_FILE = """
CREATE TABLE request_file (
    request_id uuid NOT NULL CONSTRAINT request_file_request_id_fkey
        REFERENCES person_request (id) ON DELETE CASCADE,
    name text NOT NULL,
    content bytea NOT NULL,
    made_at timestamptz NOT NULL,
    CONSTRAINT request_file_pkey PRIMARY KEY (request_id, name)
);
CREATE INDEX request_file_made_at_idx ON request_file (made_at)
"""
# Lines of an order that are gone with their numbers still count as its lines; its file goes before.
ORDERS = """
ALTER TABLE order_batch ADD COLUMN forgotten integer NOT NULL DEFAULT 0, ADD COLUMN purged_at timestamptz
"""
# Whether an order says that nothing of a number may be removed: of the number itself, or of a person whom its
# record or a case of it names.
PRESERVED = """
CREATE FUNCTION preserved(of_token bytea) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM preservation WHERE lifted_at IS NULL AND msisdn_token = of_token)
        OR EXISTS (
            SELECT FROM preservation JOIN subscription USING (id_token)
            WHERE lifted_at IS NULL AND subscription.msisdn_token = of_token)
        OR EXISTS (
            SELECT FROM preservation JOIN "case" USING (id_token)
            WHERE lifted_at IS NULL AND "case".msisdn_token = of_token)
$$
"""
# Why nothing of an ended subscription may be removed yet; null where it may. One predicate for the count and
# for the removal.
WHY_KEPT = """
CREATE FUNCTION why_kept(of_carrier text, of_token bytea) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (
            SELECT FROM subscription WHERE carrier = of_carrier AND msisdn_token = of_token
              AND status IS DISTINCT FROM 'over') THEN 'alive'
        WHEN EXISTS (
            SELECT FROM "case"
            WHERE carrier = of_carrier AND msisdn_token = of_token AND closed_at IS NULL) THEN 'open_case'
        WHEN EXISTS (
            SELECT FROM order_line WHERE carrier = of_carrier AND msisdn_token = of_token
              AND state IN ('proposed', 'sent', 'unknown')) THEN 'open_order'
        WHEN EXISTS (
            SELECT FROM appeal
            WHERE carrier = of_carrier AND msisdn_token = of_token AND state = 'open') THEN 'open_appeal'
        -- History cannot be rewritten by the service: whatever it says of when a number ended, what happened
        -- within two years stays.
        WHEN EXISTS (
            SELECT FROM case_event JOIN "case" ON "case".id = case_event.case_id
            WHERE "case".carrier = of_carrier AND "case".msisdn_token = of_token
              AND case_event.at > now() - interval '2 years') THEN 'recent'
        WHEN preserved(of_token) THEN 'preserved'
        WHEN EXISTS (
            SELECT FROM person_request
            WHERE msisdn_token = of_token AND answered_at IS NULL) THEN 'request'
        WHEN EXISTS (
            SELECT FROM person_request JOIN "case" USING (id_token)
            WHERE answered_at IS NULL AND "case".carrier = of_carrier AND "case".msisdn_token = of_token
            ) THEN 'request'
    END
$$
"""
# The service can neither change nor remove history. These three can, as the schema's owner (whom row-level
# security may not hold, so they ask for the scope themselves), and never what is younger than two years,
# whatever a program says (Decree 174/2026 Art. 34 (11c)).
FORGET_ENDED = """
CREATE FUNCTION forget_ended(before timestamptz, most integer) RETURNS TABLE (what text, gone bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH over AS MATERIALIZED (
        SELECT carrier, msisdn_token FROM subscription_end AS ended
        WHERE ended_at < least(before, now() - interval '2 years') AND forgotten_at IS NULL
          AND current_setting('app.scope', true) = 'ministry' AND why_kept(carrier, msisdn_token) IS NULL
        ORDER BY ended_at LIMIT most FOR UPDATE SKIP LOCKED
    ), cases AS MATERIALIZED (
        SELECT "case".id FROM "case" JOIN over USING (carrier, msisdn_token) WHERE closed_at IS NOT NULL
    ), questions AS MATERIALIZED (
        SELECT question.id FROM question JOIN over USING (msisdn_token)
        WHERE question.closed_at IS NOT NULL AND (question.about = over.carrier
            OR question.about IS NULL AND NOT EXISTS (
                SELECT FROM subscription AS lives
                WHERE lives.msisdn_token = over.msisdn_token AND lives.status IS DISTINCT FROM 'over'))
    ), lines AS MATERIALIZED (
        SELECT order_id, line, state <> 'dropped' OR outcome IN ('rejected', 'expired') AS counts
        FROM order_line JOIN over USING (carrier, msisdn_token)
    ), fewer AS MATERIALIZED (
        SELECT order_id, count(*) FILTER (WHERE counts) AS counted, count(*) = (
            SELECT count(*) FROM order_line WHERE order_line.order_id = lines.order_id
        ) AS no_more
        FROM lines GROUP BY order_id
    ), counted AS (
        UPDATE order_batch SET forgotten = forgotten + fewer.counted
        FROM fewer WHERE order_batch.id = fewer.order_id
    ), answers AS (
        DELETE FROM order_answer USING fewer
        WHERE order_answer.order_id = fewer.order_id AND no_more AND state <> 'waiting' RETURNING 1
    ), ordered AS (
        DELETE FROM order_line USING lines
        WHERE order_line.order_id = lines.order_id AND order_line.line = lines.line RETURNING 1
    ), clock_events AS (
        DELETE FROM clock_event USING over
        WHERE clock_event.carrier = over.carrier AND clock_event.msisdn_token = over.msisdn_token
        RETURNING 1
    ), clocks AS (
        DELETE FROM clock USING over
        WHERE clock.carrier = over.carrier AND clock.msisdn_token = over.msisdn_token RETURNING 1
    ), appeals AS (
        DELETE FROM appeal USING over
        WHERE appeal.carrier = over.carrier AND appeal.msisdn_token = over.msisdn_token RETURNING 1
    ), events AS (
        DELETE FROM case_event USING cases WHERE case_id = cases.id RETURNING 1
    ), tracks AS (
        DELETE FROM notice_track USING cases WHERE case_id = cases.id RETURNING 1
    ), decisions AS (
        DELETE FROM desk_decision USING cases WHERE case_id = cases.id RETURNING 1
    ), reviews AS (
        DELETE FROM double_review USING cases WHERE case_id = cases.id RETURNING 1
    ), corrections AS (
        DELETE FROM correction USING cases WHERE case_id = cases.id RETURNING 1
    ), messages AS (
        DELETE FROM message USING cases
        WHERE case_id = cases.id AND settled_at < now() - interval '2 years' RETURNING 1
    ), confirmations AS (
        DELETE FROM confirmation USING over
        WHERE confirmation.carrier = over.carrier AND confirmation.msisdn_token = over.msisdn_token
        RETURNING 1
    ), sims AS (
        DELETE FROM sim_event USING over
        WHERE sim_event.carrier = over.carrier AND sim_event.msisdn_token = over.msisdn_token
        RETURNING 1
    ), written AS (
        DELETE FROM question_message USING questions WHERE question_id = questions.id RETURNING 1
    ), asked AS (
        DELETE FROM question USING questions WHERE question.id = questions.id RETURNING 1
    ), gone_cases AS (
        DELETE FROM "case" USING cases WHERE "case".id = cases.id RETURNING 1
    ), ended AS (
        DELETE FROM subscription_end USING over
        WHERE subscription_end.carrier = over.carrier AND subscription_end.msisdn_token = over.msisdn_token
          AND NOT EXISTS (
            SELECT FROM subscription
            WHERE subscription.carrier = over.carrier AND subscription.msisdn_token = over.msisdn_token)
        RETURNING 1
    ), marked AS (
        UPDATE subscription_end SET forgotten_at = now() FROM over
        WHERE subscription_end.carrier = over.carrier AND subscription_end.msisdn_token = over.msisdn_token
          AND EXISTS (
            SELECT FROM subscription
            WHERE subscription.carrier = over.carrier AND subscription.msisdn_token = over.msisdn_token)
        RETURNING 1
    )
    SELECT 'numbers', (SELECT count(*) FROM ended) + (SELECT count(*) FROM marked)
    UNION ALL SELECT 'case', count(*) FROM gone_cases
    UNION ALL SELECT 'case_event', count(*) FROM events
    UNION ALL SELECT 'notice_track', count(*) FROM tracks
    UNION ALL SELECT 'desk_decision', count(*) FROM decisions
    UNION ALL SELECT 'double_review', count(*) FROM reviews
    UNION ALL SELECT 'correction', count(*) FROM corrections
    UNION ALL SELECT 'message', count(*) FROM messages
    UNION ALL SELECT 'confirmation', count(*) FROM confirmations
    UNION ALL SELECT 'sim_event', count(*) FROM sims
    UNION ALL SELECT 'clock', count(*) FROM clocks
    UNION ALL SELECT 'clock_event', count(*) FROM clock_events
    UNION ALL SELECT 'order_line', count(*) FROM ordered
    UNION ALL SELECT 'order_answer', count(*) FROM answers
    UNION ALL SELECT 'appeal', count(*) FROM appeals
    UNION ALL SELECT 'question', count(*) FROM asked
    UNION ALL SELECT 'question_message', count(*) FROM written
$$
"""
# Messages that belong to no case (codes, replies, answers), or to one that is gone.
FORGET_MESSAGES = """
CREATE FUNCTION forget_messages(before timestamptz, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT id FROM message
        WHERE made_at < least(before, now() - interval '2 years') AND settled_at < before
          AND (case_id IS NULL OR NOT EXISTS (SELECT FROM "case" WHERE "case".id = message.case_id))
          AND current_setting('app.scope', true) = 'ministry' AND preserved(msisdn_token) IS NOT TRUE
        LIMIT most FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM message USING old WHERE message.id = old.id RETURNING 1
    )
    SELECT count(*) FROM gone
$$
"""
# Questions before one-time codes leave by whole roots, so that what is left can still be proved. `upto` is
# the last root that is gone; null where none is.
FORGET_OTP = """
CREATE FUNCTION forget_otp(before timestamptz) RETURNS TABLE (upto bigint, gone bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH younger AS MATERIALIZED (
        SELECT min(chained) AS first FROM otp_question
        WHERE at >= least(before, now() - interval '2 years') AND chained IS NOT NULL
    ), last AS MATERIALIZED (
        SELECT max(chained) AS upto FROM otp_question, younger
        WHERE younger.first IS NULL OR chained < younger.first
    ), gone AS (
        DELETE FROM otp_question USING last WHERE chained <= last.upto RETURNING 1
    )
    SELECT last.upto, (SELECT count(*) FROM gone) FROM last
$$
"""
FUNCTIONS = (
    "preserved(bytea)", "why_kept(text, bytea)", "forget_ended(timestamptz, integer)",
    "forget_messages(timestamptz, integer)", "forget_otp(timestamptz)",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables and the functions. Proofs of purges and orders to preserve cannot be removed."""
    for change in (
        NAMED_SINCE, SUBSCRIPTION_END, SCOPE, ENDED_BEFORE,
        PURGE_RUN, PURGE_COUNT, PRESERVATION, PERSON_REQUEST,
        REQUEST_FILE, ORDERS, PRESERVED, WHY_KEPT, FORGET_ENDED, FORGET_MESSAGES, FORGET_OTP,
    ):  # fmt: skip
        op.execute(change)
    tenant("subscription_end", "INSERT", "UPDATE", "DELETE")
    serve("purge_run", "INSERT", "UPDATE (ended_at, whole)")
    serve("purge_count", "INSERT")
    serve("preservation", "INSERT", "UPDATE (lifted_by, lifted_at)")
    tenant("person_request", "INSERT", "UPDATE", "DELETE")
    serve("request_file", "INSERT", "DELETE")
    op.execute(f"GRANT UPDATE (purged_at) ON order_batch TO {SERVICE_ROLE}")
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {SERVICE_ROLE}")
