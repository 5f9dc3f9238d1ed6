"""What simcheck is measured against, each as a person would write it who has not got simcheck.

Run as `baselines.py NAME SUBSCRIBERS CITIZENS OUT`: reads the same two Parquet files and writes number, ID
and a verdict or score for every row, except for the bare join, which only counts. `pandas` and `splink` look
at the least (number, ID, name, birth date, one merge); `pandas_same` and `splink_same` at the same columns as
simcheck, and ask of them what it asks.
"""

from __future__ import annotations

import sys

SUBSCRIBER_COLUMNS = ["msisdn", "id_number", "full_name", "date_of_birth"]
CITIZEN_COLUMNS = ["id_number", "full_name", "date_of_birth", "status"]
FORMER_COLUMNS = ["old_id_number", "previous_id_number"]
LEAST_SCORE = 0.92


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
    verdict = np.where(found & alive & same_day & (score >= LEAST_SCORE), "verified", "mismatch")
    result = both[["msisdn", "id_number"]].assign(verdict=verdict, name_score=score)
    result.to_parquet(out, index=False)


def pandas_same(subscribers: str, citizens: str, out: str) -> None:
    """pandas and RapidFuzz for the same columns: numbers in one form, old and cancelled IDs followed too,
    names with and without marks, birth date, gender and century in the ID, holders' status, numbers declared
    twice, people with many SIMs; verdict and reasons of every row, and the rows to mend as CSV.

    One column at a time, no row by itself; text columns as Arrow keeps them, which is pandas' fastest.
    """
    import numpy as np
    import pandas as pd
    from rapidfuzz import distance, process

    left = pd.read_parquet(subscribers, dtype_backend="pyarrow")
    right = pd.read_parquet(citizens, columns=CITIZEN_COLUMNS + FORMER_COLUMNS, dtype_backend="pyarrow")

    def plain(names: pd.Series) -> tuple[pd.Series, pd.Series]:
        upper = names.fillna("").astype(object).str.normalize("NFC").str.upper().str.split().str.join(" ")
        bare = (
            upper.str.normalize("NFD").str.replace(r"[\u0300-\u036f]", "", regex=True).str.replace("Đ", "D")
        )
        return upper, bare

    digits = left["msisdn"].fillna("").str.replace(r"[^0-9]", "", regex=True)
    left["msisdn"] = "+84" + digits.str.replace(r"^(0084|84|0)", "", regex=True)
    left["id_number"] = left["id_number"].fillna("").str.replace(r"[ .-]", "", regex=True)
    left["name"], left["bare"] = plain(left["full_name"])
    right["name"], right["bare"] = plain(right["full_name"])
    registered = right[["id_number", "name", "bare", "date_of_birth", "status"]]
    both = left.merge(registered, on="id_number", how="left", suffixes=("", "_registered"))
    superseded = np.zeros(len(both), bool)
    for column in FORMER_COLUMNS:
        former = right[right[column].notna()].drop_duplicates(column)
        lost = np.flatnonzero(both["name_registered"].isna())
        again = both.loc[lost, ["id_number"]].merge(
            former[[column, "name", "bare", "date_of_birth", "status"]],
            left_on="id_number", right_on=column, how="left",
        )  # fmt: skip
        found = again["name"].notna().to_numpy()
        for name in ("name", "bare", "date_of_birth", "status"):
            whole = f"{name}_registered" if f"{name}_registered" in both else name
            both.iloc[lost[found], both.columns.get_loc(whole)] = again[name][found].to_numpy(object)
        superseded[lost[found]] = True
    found = both["name_registered"].notna().to_numpy()
    score = process.cpdist(
        both["name"].to_numpy(object), both["name_registered"].fillna("").to_numpy(object),
        scorer=distance.JaroWinkler.normalized_similarity, workers=2,
    )  # fmt: skip
    born = both["date_of_birth"].fillna("").astype(str)
    number = both["id_number"].astype(str)
    century = pd.to_numeric(number.str[3], errors="coerce")
    conflict = (number.str[4:6] != born.str[2:4]) | ((century % 2 == 1) != (both["gender"] == "F"))
    faults = {
        "ID_NOT_FOUND": ~found,
        "ID_SUPERSEDED": superseded,
        "ID_STRUCTURE_CONFLICT": found & conflict.fillna(False).to_numpy(bool),
        "NAME_UNMARKED": found
        & (both["name"] != both["name_registered"]).fillna(False).to_numpy(bool)
        & (both["bare"] == both["bare_registered"]).fillna(False).to_numpy(bool),
        "NAME_DIFFERENT": found & (score < LEAST_SCORE),
        "DOB_DIFFERENT": found & (born != both["date_of_birth_registered"].astype(str)).to_numpy(bool),
        "HOLDER_NOT_ALIVE": found & (both["status"] != "active").fillna(True).to_numpy(bool),
        "MSISDN_TWICE": both["msisdn"].duplicated(keep=False).to_numpy(),
        "SIM_LIMIT": (both.groupby("id_number")["msisdn"].transform("size") > 3).to_numpy(bool),
        "ID_TYPE": (both["id_type"].fillna("") == "PASSPORT").to_numpy(bool),
    }
    reasons = pd.Series("", index=both.index)
    for name, at in faults.items():
        reasons = reasons.where(~at, reasons + name + ";")
    wrong = np.logical_or.reduce([faults[name] for name in (
        "ID_NOT_FOUND", "NAME_DIFFERENT", "DOB_DIFFERENT", "HOLDER_NOT_ALIVE")])  # fmt: skip
    softly = np.logical_or.reduce([faults[name] for name in ("ID_SUPERSEDED", "NAME_UNMARKED")])
    verdict = np.select([wrong, softly], ["mismatch", "variant"], "verified")
    result = both[["msisdn", "id_number"]].assign(verdict=verdict, reasons=reasons, name_score=score)
    result.to_parquet(out, index=False)
    result[verdict != "verified"].to_csv(f"{out}.csv")


def splink(subscribers: str, citizens: str, out: str) -> None:
    """Splink 5: exact blocking on the ID number, Jaro-Winkler levels on names, exact birth dates."""
    _splink(subscribers, citizens, out, same=False)


def splink_same(subscribers: str, citizens: str, out: str) -> None:
    """Splink 5 for the same columns: blocked on the ID number and on both former ones, the holder's status
    beside name and birth date."""
    _splink(subscribers, citizens, out, same=True)


def _splink(subscribers: str, citizens: str, out: str, *, same: bool) -> None:
    import duckdb
    import splink.comparison_library as comparisons
    from splink import Linker, SettingsCreator
    from splink.backends.duckdb import DuckDBAPI

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    declared, registered = ["gender", "id_type"], ["status", *FORMER_COLUMNS]
    more = [*declared, *registered] if same else []
    ours = "".join(f", {name if name in declared else f'NULL::VARCHAR AS {name}'}" for name in more)
    theirs = "".join(f", {name if name in registered else f'NULL::VARCHAR AS {name}'}" for name in more)
    connection.execute(
        f"""CREATE VIEW subscriber AS
            SELECT row_number() OVER () AS unique_id, msisdn, id_number, lower(full_name) AS full_name,
                   date_of_birth {ours} FROM '{subscribers}';
            CREATE VIEW citizen AS
            SELECT row_number() OVER () AS unique_id, NULL::VARCHAR AS msisdn, id_number,
                   lower(full_name) AS full_name, date_of_birth::VARCHAR AS date_of_birth {theirs}
            FROM '{citizens}'"""
    )
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            f"l.id_number = r.{name}" for name in ("id_number", *(FORMER_COLUMNS if same else ()))
        ],
        comparisons=[
            comparisons.JaroWinklerAtThresholds("full_name", [LEAST_SCORE]),
            comparisons.ExactMatch("date_of_birth"),
        ],
        additional_columns_to_retain=["msisdn", "id_number", *more],
        retain_intermediate_calculation_columns=False,
    )
    api = DuckDBAPI(connection)
    linker = Linker([api.register("subscriber"), api.register("citizen")], settings)
    pairs = linker.inference.predict()
    connection.execute(f"COPY (SELECT * FROM {pairs.physical_name}) TO '{out}' (FORMAT parquet)")


PROGRAMS = {each.__name__: each for each in (join, pandas, pandas_same, splink, splink_same)}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](*sys.argv[2:5])
