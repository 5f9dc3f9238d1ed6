"""The role that requests and jobs act as, and the job queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

from simcheck.db.base import SERVICE_ROLE

revision = "0001"
down_revision = None

# Roles belong to the whole server: this one may be there from another database, or made by an administrator.
ROLE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{SERVICE_ROLE}') THEN
        CREATE ROLE {SERVICE_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database's migration made it at this very moment
END $$;
"""
# Whoever migrates may act as the role; a login of its own for the service is granted it by an administrator.
MEMBER = f"""
DO $$
BEGIN
    IF NOT pg_has_role(current_user, '{SERVICE_ROLE}', 'SET') THEN
        EXECUTE format('GRANT {SERVICE_ROLE} TO %I', current_user);
    END IF;
END $$;
"""
MEMBER_15 = MEMBER.replace("'SET'", "'MEMBER'")  # PostgreSQL 15 has no SET option
# The worker fetches, finishes and tidies jobs; nothing in the queue is anybody's personal data.
QUEUE_RIGHTS = f"""
GRANT USAGE ON SCHEMA public TO {SERVICE_ROLE};
GRANT SELECT ON alembic_version TO {SERVICE_ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE
    ON procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers
    TO {SERVICE_ROLE};
GRANT USAGE ON SEQUENCE
    procrastinate_jobs_id_seq, procrastinate_events_id_seq, procrastinate_periodic_defers_id_seq,
    procrastinate_workers_id_seq
    TO {SERVICE_ROLE};
"""


def upgrade() -> None:
    """Make the role and Procrastinate's schema, as that version ships it."""
    connection = op.get_bind()
    op.execute(ROLE)
    version = connection.execute(sa.text("SHOW server_version_num")).scalar_one()
    op.execute(MEMBER if int(version) >= 160000 else MEMBER_15)
    connection.exec_driver_sql(SchemaManager.get_schema(), execution_options={"no_parameters": True})
    op.execute(QUEUE_RIGHTS)
