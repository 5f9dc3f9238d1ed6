"""The lake: what carriers declared and what the register holds, as encrypted, bucketed Parquet."""
