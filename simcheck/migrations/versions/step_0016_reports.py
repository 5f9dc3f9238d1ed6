"""Tables of counts for the country's figures, made by jobs, and the indexes that their lists need."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0016"
down_revision = "0015"

COUNTRY = """
CREATE TABLE country_day (
    day date NOT NULL,
    carrier text NOT NULL,
    province text NOT NULL,
    verdict smallint NOT NULL,
    subscriptions bigint NOT NULL,
    CONSTRAINT country_day_pkey PRIMARY KEY (day, carrier, province, verdict)
);
CREATE TABLE country_reason_day (
    day date NOT NULL,
    carrier text NOT NULL,
    province text NOT NULL,
    reason smallint NOT NULL,
    subscriptions bigint NOT NULL,
    CONSTRAINT country_reason_day_pkey PRIMARY KEY (day, carrier, province, reason)
);
CREATE TABLE report_counted (
    what text CONSTRAINT report_counted_pkey PRIMARY KEY,
    day date NOT NULL,
    counted_at timestamptz NOT NULL,
    run_at timestamptz
)
"""
FLOW = """
CREATE TABLE flow_day (
    day date NOT NULL,
    carrier text NOT NULL,
    kind text NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT flow_day_pkey PRIMARY KEY (day, carrier, kind)
)
"""
PATTERNS = """
CREATE TABLE person_pattern (
    id uuid DEFAULT gen_random_uuid() CONSTRAINT person_pattern_pkey PRIMARY KEY,
    id_token bytea NOT NULL CONSTRAINT person_pattern_id_token_key UNIQUE,
    subscriptions integer NOT NULL,
    carriers integer NOT NULL,
    provinces integer NOT NULL,
    burst_provinces integer NOT NULL,
    burst_on date
);
CREATE INDEX person_pattern_subscriptions_idx ON person_pattern (subscriptions);
CREATE INDEX person_pattern_burst_idx ON person_pattern (burst_provinces);
CREATE TABLE sale_pattern (
    carrier text NOT NULL,
    point_of_sale text NOT NULL,
    subscriptions integer NOT NULL,
    mismatches integer NOT NULL,
    contested integer NOT NULL,
    repeated integer NOT NULL,
    CONSTRAINT sale_pattern_pkey PRIMARY KEY (carrier, point_of_sale)
)
"""
# What was sold at one place. Few words for many rows: the index holds each word once. Cases come in the order
# of their age, so that a block range says enough of when they were opened.
LISTS = """
CREATE INDEX subscription_sale_idx ON subscription (point_of_sale, carrier) WHERE point_of_sale IS NOT NULL;
CREATE INDEX case_opened_at_idx ON "case" USING brin (opened_at);
CREATE INDEX case_closed_at_idx ON "case" (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX correction_made_at_idx ON correction (made_at)
"""


def upgrade() -> None:
    """Make the tables. A carrier may read its own counts; nobody but the ministry sees people."""
    for change in (COUNTRY, FLOW, PATTERNS, LISTS):
        op.execute(change)
    for table in ("country_day", "country_reason_day", "flow_day", "sale_pattern"):
        tenant(table, "INSERT", "UPDATE", "DELETE")
    serve("report_counted", "INSERT", "UPDATE")
    serve("person_pattern", "INSERT", "UPDATE", "DELETE")
