"""Who may do what with a table, in one line of a migration."""

from __future__ import annotations

from alembic import op

from simcheck.db.base import SERVICE_ROLE

# A carrier sees its own rows, the ministry's scope sees all, anybody else none. FORCE holds the owner to it
# too. The settings stand in sub-selects, so that they are read once a statement and not once a row.
TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} USING (
    (SELECT current_setting('app.scope', true)) = 'ministry'
    OR carrier = (SELECT current_setting('app.carrier', true))
)
"""
# No carrier sees a row, whosever it is: that there is one may be what has to stay secret.
MINISTRY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY ministry ON {table} USING ((SELECT current_setting('app.scope', true)) = 'ministry')
"""


def serve(table: str, *privileges: str) -> None:
    """Let the service role use a table: SELECT and `privileges`, such as INSERT, UPDATE, DELETE."""
    op.execute(f"GRANT {', '.join(('SELECT', *privileges))} ON {table} TO {SERVICE_ROLE}")


def tenant(table: str, *privileges: str) -> None:
    """`serve`, and hold carriers apart by the table's `carrier` column."""
    serve(table, *privileges)
    op.execute(TENANT.format(table=table))


def ministry_only(table: str) -> None:
    """Show a table's rows to the ministry's scope alone; `serve` says what may be done with them."""
    op.execute(MINISTRY.format(table=table))
