"""What simcheck is measured against, each as a person would write it who has not got simcheck.

Run as `baselines.py NAME SUBSCRIBERS CITIZENS OUT`: reads the same two Parquet files, looks at the same
columns (number, ID, name, birth date), and writes number, ID and a verdict or score for every row, except for
the bare join, which only counts.
"""

from __future__ import annotations

import sys

SUBSCRIBER_COLUMNS = ["msisdn", "id_number", "full_name", "date_of_birth"]
CITIZEN_COLUMNS = ["id_number", "full_name", "date_of_birth", "status"]


def join(subscribers: str, citizens: str, _out: str) -> None:
    """A bare DuckDB join on the ID number as BIGINT: the least that any check must do."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(
        f"""SELECT count(*) FROM '{subscribers}' s JOIN '{citizens}' c
            ON try_cast(s.id_number AS BIGINT) = try_cast(c.id_number AS BIGINT)"""
    ).fetchall()


def pandas(subscribers: str, citizens: str, out: str) -> None:
    """`pandas.merge` on the ID number, Jaro-Winkler (RapidFuzz) on lower-cased names, equal birth dates."""
    import numpy as np
    import pandas as pd
    from rapidfuzz import distance, process

    left = pd.read_parquet(subscribers, columns=SUBSCRIBER_COLUMNS)
    right = pd.read_parquet(citizens, columns=CITIZEN_COLUMNS)
    both = left.merge(right, on="id_number", how="left", suffixes=("", "_registered"))
    found = both["full_name_registered"].notna().to_numpy()
    score = process.cpdist(
        both["full_name"].fillna("").str.lower().to_numpy(object),
        both["full_name_registered"].fillna("").str.lower().to_numpy(object),
        scorer=distance.JaroWinkler.normalized_similarity,
        workers=2,
    )
    same_day = (both["date_of_birth"] == both["date_of_birth_registered"]).fillna(False).to_numpy(bool)
    alive = (both["status"] == "active").fillna(False).to_numpy(bool)
    verdict = np.where(found & alive & same_day & (score >= 0.92), "verified", "mismatch")
    result = both[["msisdn", "id_number"]].assign(verdict=verdict, name_score=score)
    result.to_parquet(out, index=False)


def splink(subscribers: str, citizens: str, out: str) -> None:
    """Splink 5: exact blocking on the ID number, Jaro-Winkler levels on names, exact birth dates."""
    import duckdb
    import splink.comparison_library as comparisons
    from splink import Linker, SettingsCreator
    from splink.backends.duckdb import DuckDBAPI

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute(
        f"""CREATE VIEW subscriber AS
            SELECT row_number() OVER () AS unique_id, msisdn, id_number, lower(full_name) AS full_name,
                   date_of_birth FROM '{subscribers}';
            CREATE VIEW citizen AS
            SELECT row_number() OVER () AS unique_id, NULL::VARCHAR AS msisdn, id_number,
                   lower(full_name) AS full_name, date_of_birth::VARCHAR AS date_of_birth
            FROM '{citizens}'"""
    )
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=["l.id_number = r.id_number"],
        comparisons=[
            comparisons.JaroWinklerAtThresholds("full_name", [0.92]),
            comparisons.ExactMatch("date_of_birth"),
        ],
        additional_columns_to_retain=["msisdn", "id_number"],
        retain_intermediate_calculation_columns=False,
    )
    api = DuckDBAPI(connection)
    linker = Linker([api.register("subscriber"), api.register("citizen")], settings)
    pairs = linker.inference.predict()
    connection.execute(f"COPY (SELECT * FROM {pairs.physical_name}) TO '{out}' (FORMAT parquet)")


if __name__ == "__main__":
    {"join": join, "pandas": pandas, "splink": splink}[sys.argv[1]](*sys.argv[2:5])
