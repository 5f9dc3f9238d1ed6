"""What an order to preserve holds: records that change meanwhile, questions before one-time codes; how
appeals and bars go; and tables of which no carrier may see a row.
"""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE
from simcheck.migrations.tenancy import ministry_only, serve

revision = "0024"
down_revision = "0023"

# A record as it was before its carrier changed it or declared it no more, while an order preserved its number
# or person. `cells`: what was declared, sealed, once it is copied from the lake.
PRESERVED_RECORD = """
CREATE TABLE preserved_record (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT preserved_record_pkey PRIMARY KEY,
    preservation_id uuid NOT NULL CONSTRAINT preserved_record_preservation_id_fkey
        REFERENCES preservation (id),
    carrier text NOT NULL,
    msisdn_token bytea NOT NULL,
    kept_at timestamptz NOT NULL,
    record jsonb NOT NULL,
    batch_id uuid NOT NULL,
    bucket integer NOT NULL,
    row bigint NOT NULL,
    cells bytea
);
CREATE INDEX preserved_record_preservation_id_idx ON preserved_record (preservation_id);
CREATE INDEX preserved_record_msisdn_token_idx ON preserved_record (msisdn_token);
CREATE INDEX preserved_record_waiting_idx ON preserved_record (id) WHERE cells IS NULL
"""
# The numbers that orders preserve, each with its order: the number itself; those whose record, or a case of
# which, names the person; and those whose record named them when the order stood already.
PRESERVED_NUMBERS = """
CREATE FUNCTION preserved_numbers() RETURNS TABLE (order_id uuid, msisdn_token bytea)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT id, preservation.msisdn_token FROM preservation
    WHERE lifted_at IS NULL AND preservation.msisdn_token IS NOT NULL
    UNION SELECT preservation.id, subscription.msisdn_token
    FROM preservation JOIN subscription USING (id_token)
    WHERE lifted_at IS NULL
    UNION SELECT preservation.id, "case".msisdn_token FROM preservation JOIN "case" USING (id_token)
    WHERE lifted_at IS NULL
    UNION SELECT preservation_id, preserved_record.msisdn_token FROM preserved_record
        JOIN preservation ON preservation.id = preservation_id
    WHERE lifted_at IS NULL
$$
"""
# Of one number, as above; by its indexes.
PRESERVED = """
CREATE OR REPLACE FUNCTION preserved(of_token bytea) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM preservation WHERE lifted_at IS NULL AND msisdn_token = of_token)
        OR EXISTS (
            SELECT FROM preservation JOIN subscription USING (id_token)
            WHERE lifted_at IS NULL AND subscription.msisdn_token = of_token)
        OR EXISTS (
            SELECT FROM preservation JOIN "case" USING (id_token)
            WHERE lifted_at IS NULL AND "case".msisdn_token = of_token)
        OR EXISTS (
            SELECT FROM preservation JOIN preserved_record ON preservation_id = preservation.id
            WHERE lifted_at IS NULL AND preserved_record.msisdn_token = of_token)
$$
"""
# Of a person, who may have no record at all.
PRESERVED_PERSON = """
CREATE FUNCTION preserved_person(of_token bytea) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM preservation WHERE lifted_at IS NULL AND id_token = of_token)
$$
"""
# Roots in which there is a question of somebody whom an order preserves.
PRESERVED_ROOTS = """
CREATE FUNCTION preserved_roots() RETURNS TABLE (chained bigint)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT DISTINCT otp_question.chained FROM otp_question
    WHERE otp_question.chained IS NOT NULL
      AND EXISTS (SELECT FROM preservation WHERE lifted_at IS NULL) AND (  -- else nothing is read
        msisdn_token IN (SELECT held.msisdn_token FROM preserved_numbers() AS held)
        OR id_token IN (SELECT id_token FROM preservation WHERE lifted_at IS NULL AND id_token IS NOT NULL))
$$
"""
# Questions before one-time codes leave by whole roots, so that what is left can still be proved. `upto` is
# the last root that is gone, null where none is; `kept` are roots before it that an order preserves.
FORGET_OTP = """
CREATE FUNCTION forget_otp(before timestamptz) RETURNS TABLE (upto bigint, gone bigint, kept bigint[])
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH younger AS MATERIALIZED (
        SELECT min(chained) AS first FROM otp_question
        WHERE at >= least(before, now() - interval '2 years') AND chained IS NOT NULL
    ), last AS MATERIALIZED (
        SELECT max(chained) AS upto FROM otp_question, younger
        WHERE (younger.first IS NULL OR chained < younger.first)
          AND current_setting('app.scope', true) = 'ministry'
    ), held AS MATERIALIZED (
        SELECT roots.chained FROM preserved_roots() AS roots, last WHERE roots.chained <= last.upto
    ), gone AS (
        DELETE FROM otp_question USING last
        WHERE chained <= last.upto AND chained NOT IN (SELECT held.chained FROM held) RETURNING 1
    )
    SELECT last.upto, (SELECT count(*) FROM gone), array(SELECT held.chained FROM held ORDER BY 1) FROM last
$$
"""
# Appeals that were answered long ago; one that was upheld waits until what it is about is undone.
FORGET_APPEALS = """
CREATE FUNCTION appeal_kept(one appeal) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN preserved(one.msisdn_token) THEN 'preserved'
        WHEN one.state = 'upheld' AND EXISTS (
            SELECT FROM clock WHERE clock.carrier = one.carrier AND clock.msisdn_token = one.msisdn_token
              AND clock.step > 0) THEN 'not_undone'
    END
$$;
CREATE FUNCTION forget_appeals(before timestamptz, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT id FROM appeal
        WHERE settled_at < least(before, now() - interval '2 years') AND appeal_kept(appeal) IS NULL
          AND current_setting('app.scope', true) = 'ministry'
        ORDER BY settled_at LIMIT most FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM appeal USING old WHERE appeal.id = old.id RETURNING 1
    )
    SELECT count(*) FROM gone
$$
"""
# Bars that were lifted, ended, or were never confirmed, long ago. What is preserved of a number or person is
# also that nothing might be ordered about it.
FORGET_BARS = """
CREATE FUNCTION bar_over_at(bar order_bar) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(bar.lifted_at, CASE
        WHEN bar.confirmed_at IS NULL THEN least(bar.ends_at, bar.asked_at + interval '3 days')
        ELSE bar.ends_at END)
$$;
CREATE FUNCTION forget_bars(before timestamptz, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS MATERIALIZED (
        SELECT id FROM order_bar
        WHERE bar_over_at(order_bar) < least(before, now() - interval '2 years')
          AND NOT preserved(msisdn_token) AND NOT preserved_person(id_token)
          AND current_setting('app.scope', true) = 'ministry'
        ORDER BY asked_at LIMIT most FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM order_bar USING old WHERE order_bar.id = old.id RETURNING 1
    )
    SELECT count(*) FROM gone
$$
"""
# Why nothing was ordered after all is the ministry's: a line that a legal hold shut out would tell of it.
SHUT_OUT = """
CREATE POLICY shut_out ON order_line AS RESTRICTIVE USING (
    (SELECT current_setting('app.scope', true)) = 'ministry' OR state <> 'dropped'
)
"""
FUNCTIONS = (
    "preserved_numbers()", "preserved_person(bytea)", "preserved_roots()", "forget_otp(timestamptz)",
    "appeal_kept(appeal)", "forget_appeals(timestamptz, integer)", "bar_over_at(order_bar)",
    "forget_bars(timestamptz, integer)",
)  # fmt: skip


def upgrade() -> None:
    """Make them. Who is under a legal hold, and of whom something is preserved, no carrier's session sees."""
    op.execute(PRESERVED_RECORD)
    serve("preserved_record", "INSERT", "UPDATE (cells)", "DELETE")
    for table in ("preserved_record", "preservation", "order_bar"):
        ministry_only(table)
    op.execute(SHUT_OUT)
    op.execute("DROP FUNCTION forget_otp(timestamptz)")
    for function in (
        PRESERVED_NUMBERS, PRESERVED, PRESERVED_PERSON, PRESERVED_ROOTS, FORGET_OTP, FORGET_APPEALS,
        FORGET_BARS,
    ):  # fmt: skip
        op.execute(function)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {SERVICE_ROLE}")
