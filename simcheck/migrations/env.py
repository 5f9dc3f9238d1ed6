"""What Alembic runs: each step in a transaction of its own, and never long behind another's lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

# A step that waits for a lock makes everybody behind it wait: better it fails and is run again.
PATIENCE = sa.text("SET lock_timeout = '10s'")

connection = context.config.attributes["connection"]
connection.execute(PATIENCE)
connection.commit()
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
