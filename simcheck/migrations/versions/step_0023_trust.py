"""What makes figures trusted: checks that things add up, counts of every case and notice, open data."""

from __future__ import annotations

from alembic import op

from simcheck.migrations.tenancy import serve, tenant

revision = "0023"
down_revision = "0022"

INVARIANT_CHECK = """
CREATE TABLE invariant_check (
    name text NOT NULL,
    checked_at timestamptz NOT NULL,
    counted bigint NOT NULL,
    accounted bigint NOT NULL,
    off bigint NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT invariant_check_pkey PRIMARY KEY (name, checked_at)
)
"""
# Every case is in one row of the first, every notice of the counted days in one of the second.
COUNTS = """
CREATE TABLE case_life (
    carrier text NOT NULL,
    province text NOT NULL,
    outcome text NOT NULL,
    age text NOT NULL,
    cases bigint NOT NULL,
    CONSTRAINT case_life_pkey PRIMARY KEY (carrier, province, outcome, age)
);
CREATE TABLE delivery_day (
    day date NOT NULL,
    carrier text NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    state text NOT NULL,
    notices bigint NOT NULL,
    CONSTRAINT delivery_day_pkey PRIMARY KEY (day, carrier, kind, channel, state)
)
"""
OPEN_DATA = """
CREATE TABLE open_data (
    day date CONSTRAINT open_data_pkey PRIMARY KEY,
    counted_on date NOT NULL,
    made_at timestamptz NOT NULL,
    least integer NOT NULL,
    content jsonb NOT NULL
)
"""


def upgrade() -> None:
    """Add the tables. What was given to the public is never changed, and a check is not mended."""
    for change in (INVARIANT_CHECK, COUNTS, OPEN_DATA):
        op.execute(change)
    serve("invariant_check", "INSERT", "DELETE")
    tenant("case_life", "INSERT", "UPDATE", "DELETE")
    tenant("delivery_day", "INSERT", "UPDATE", "DELETE")
    serve("open_data", "INSERT")
