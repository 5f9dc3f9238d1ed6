"""The ledger's database: an embedded PostgreSQL or any other, the engine, and the edge of a transaction."""
