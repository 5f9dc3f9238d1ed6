"""The ledger's schema, read from the catalogue of a migrated database: who may what; models = migrations."""

from __future__ import annotations

import hashlib

import psycopg
import pytest
import sqlalchemy as sa
from procrastinate.schema import SchemaManager
from sqlalchemy.pool import NullPool

from simcheck.db.base import SERVICE_ROLE, whole_metadata
from simcheck.db.engine import driver_url

TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
WITH_CARRIER = f"""
{TABLES} AND EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'carrier' AND NOT attisdropped
)
"""
# Seen by the ministry alone, with a carrier in their rows or not.
SECRET = {"order_bar", "preservation", "preserved_record"}


def column(connection: psycopg.Connection, query: str, *arguments: object) -> set[str]:
    return {row[0] for row in connection.execute(query, arguments or None)}


def test_every_table_with_a_carrier_is_held_apart(owner):
    tenants = column(owner, WITH_CARRIER)
    assert {"batch", "case", "case_event", "run", "subscription", "upload", "feedback", "webhook"} <= tenants
    held = column(owner, f"{WITH_CARRIER} AND relrowsecurity AND relforcerowsecurity")
    assert tenants - held == set()
    policies = owner.execute(
        "SELECT tablename, permissive, cmd, qual, with_check FROM pg_policies WHERE schemaname = 'public'"
    ).fetchall()
    assert {row[0] for row in policies} == tenants | SECRET
    restrictive = [row for row in policies if row[1] == "RESTRICTIVE"]
    assert [row[0] for row in restrictive] == ["order_line"]
    for table, permissive, command, using, check in [row for row in policies if row not in restrictive]:
        assert (permissive, command, check) == ("PERMISSIVE", "ALL", None), table
        assert ("current_setting('app.carrier'" in using) is (table not in SECRET), table
        assert "current_setting('app.scope'" in using, table


def test_of_what_has_to_stay_secret_no_carrier_sees_a_row(owner):
    """That somebody is under a legal hold, or an authority has their data preserved."""
    owner.execute("""
    INSERT INTO order_bar (id, kind, msisdn_token, basis, starts_at, asked_by, asked_at)
    VALUES (gen_random_uuid(), 'legal_hold', 'x', 'order 1', now(), 'person:x', now())""")
    owner.execute("""
    WITH made AS (
        INSERT INTO preservation (id, msisdn_token, basis, placed_by, placed_at)
        VALUES (gen_random_uuid(), 'x', 'order 1', 'person:x', now()) RETURNING id
    ) INSERT INTO preserved_record (preservation_id, carrier, msisdn_token, kept_at, record, batch_id, bucket,
                                    row)
    SELECT id, 'viettel', 'x', now(), '{}', id, 0, 1 FROM made""")
    owner.execute("INSERT INTO carrier (code, added_at) VALUES ('viettel', now())")
    owner.execute("""
    WITH made AS (
        INSERT INTO order_batch (id, carrier, act, state, lines, proposed_by, proposed_at)
        VALUES (gen_random_uuid(), 'viettel', 'one_way', 'proposed', 1, 'a', now()) RETURNING id
    ) INSERT INTO order_line (order_id, line, carrier, msisdn_token, act, reason, evidence, made_at, state,
                              outcome)
    SELECT id, 1, 'viettel', 'x', 'one_way', 'r', '{}'::jsonb, now(), 'dropped', 'no_legal_hold' FROM made""")
    for scope, seen in (("carrier", 0), ("", 0), ("ministry", 1)):
        with owner.transaction():
            owner.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")
            owner.execute(
                "SELECT set_config('app.carrier', 'viettel', true), set_config('app.scope', %s, true)",
                [scope],
            )
            for table in (*SECRET, "order_line"):
                found = owner.execute(f"SELECT count(*) FROM {table}").fetchone()
                assert found == (seen,), (scope, table)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
        owner.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")
        owner.execute("SELECT set_config('app.scope', 'carrier', true)")
        owner.execute("""
        INSERT INTO order_bar (id, kind, msisdn_token, basis, starts_at, asked_by, asked_at)
        VALUES (gen_random_uuid(), 'vital', 'y', 'list 1', now(), 'client:x', now())""")


def test_the_service_role_owns_nothing_and_bypasses_nothing(owner):
    rights = owner.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication "
        "FROM pg_roles WHERE rolname = %s", [SERVICE_ROLE],
    ).fetchone()  # fmt: skip
    assert rights == (False,) * 6
    owned = owner.execute(
        "SELECT count(*) FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid "
        "WHERE deptype = 'o' AND rolname = %s", [SERVICE_ROLE],
    ).fetchone()  # fmt: skip
    assert owned == (0,)
    assert column(owner, "SELECT has_schema_privilege(%s, 'public', 'CREATE')::text", SERVICE_ROLE) == {
        "false"
    }
    memberships = (
        "SELECT count(*) FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = member WHERE rolname = %s"
    )
    assert owner.execute(memberships, [SERVICE_ROLE]).fetchone() == (0,)


def test_history_cannot_be_rewritten(owner):
    for table in ("audit", "audit_checkpoint", "case_event", "sim_event"):
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            asked = "has_any_column_privilege" if right == "UPDATE" else "has_table_privilege"
            allowed = owner.execute(f"SELECT {asked}(%s, %s, %s)", [SERVICE_ROLE, table, right])
            assert allowed.fetchone() == (False,), (table, right)
    assert owner.execute(
        "SELECT has_table_privilege(%s, 'audit_head', 'DELETE')", [SERVICE_ROLE]
    ).fetchone() == (False,)
    changeable = owner.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'otp_question'::regclass AND attnum > 0 "
        "AND has_column_privilege(%s, attrelid, attnum, 'UPDATE')", [SERVICE_ROLE],
    ).fetchall()  # fmt: skip
    assert changeable == [("chained",)]


def test_nobody_else_may_anything(owner):
    """No table was opened to PUBLIC."""
    assert column(owner, f"{TABLES} AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)") == set()


COLUMNS = """
SELECT table_name, column_name, format_type(atttypid, atttypmod), attnotnull, attidentity::text,
       pg_get_expr(adbin, adrelid)
FROM information_schema.columns
JOIN pg_attribute ON attrelid = format('%I', table_name)::regclass AND attname = column_name
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE table_schema = 'public'
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'f', 'u', 'c')
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
STORAGE = """
SELECT relname, relpersistence::text, reloptions::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def described(connection: psycopg.Connection) -> set[tuple[object, ...]]:
    return {
        row
        for query in (COLUMNS, CONSTRAINTS, INDEXES, STORAGE)
        for row in connection.execute(query)
        if not row[0].startswith("procrastinate_") and row[0] != "alembic_version"
    }


@pytest.fixture
def of_models(postgres):
    """A database that the models made, not the migrations."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE of_models")
        try:
            engine = sa.create_engine(driver_url(postgres.url("of_models")), poolclass=NullPool)
            whole_metadata().create_all(engine)
            with psycopg.connect(postgres.url("of_models")) as made:
                yield made
        finally:
            connection.execute("DROP DATABASE of_models WITH (FORCE)")


def test_the_models_are_what_the_migrations_make(owner, of_models):
    """Columns, types, defaults, constraints, indexes and storage, as PostgreSQL itself describes both."""
    migrated, modelled = described(owner), described(of_models)
    assert len(migrated) > 200
    assert modelled - migrated == set()
    assert migrated - modelled == set()


# Of the schema that step 0001 makes: Procrastinate 3.10's.
QUEUE = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


def test_the_queues_schema_is_the_one_that_the_first_step_made():
    """A version of Procrastinate with another schema needs a step of its own, with its migrations."""
    assert hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest() == QUEUE
