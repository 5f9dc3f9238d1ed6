"""A whole country: its files read back through the carriers' own adapters, beside the truth."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import generator
from carriers import registry
from generator.errors import kinds
from generator.spelling import unmarked
from simcheck.errors import OutputError, UsageError
from simcheck.reasons import Reason

if TYPE_CHECKING:
    from conftest import Made

BY_NAME = {kind.name: kind for kind in kinds()}


@pytest.fixture(scope="module")
def rows(made: Made) -> pd.DataFrame:
    """Every declared row beside its answer and the citizen it leads to."""
    declared = pd.concat([table.to_pandas().assign(carrier=code) for code, table in made.declared.items()])
    register = made.citizens.to_pandas().add_prefix("held_")
    register["citizen"] = np.arange(1, len(register) + 1)
    joined = declared.merge(made.truth.to_pandas(), on=["carrier", "row"], how="outer", validate="1:1")
    return joined.merge(register, on="citizen", how="left")


def showing(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[rows.kinds.map(lambda shown: kind in shown)]


def test_every_row_has_one_answer(made: Made, rows: pd.DataFrame) -> None:
    assert len(rows) == made.truth.num_rows == made.manifest.subscriptions == 60_000
    assert rows.verdict.notna().all()
    assert (rows.file == rows.carrier.map({e["carrier"]: e["file"] for e in made.manifest.files})).all()
    for entry in made.manifest.files:
        assert made.declared[str(entry["carrier"])].num_rows == entry["rows"]
        assert (made.folder / str(entry["file"])).exists()
    assert {entry["carrier"] for entry in made.manifest.files} == set(registry.codes()) - {"generic"}
    assert made.citizens.num_rows == 20_000


def test_the_manifest_counts_what_is_there(made: Made, rows: pd.DataFrame) -> None:
    saved = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert saved["seed"] == 11
    assert saved["verdicts"] == made.manifest.verdicts == rows.verdict.value_counts().to_dict()
    assert saved["reasons"] == rows.reasons.explode().dropna().value_counts().to_dict()
    shown = rows.kinds.explode().dropna().value_counts().to_dict()
    assert {kind: entry["rows"] for kind, entry in saved["errors"].items() if entry["rows"]} == shown
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(
        ["citizens.parquet", "truth.parquet", "manifest.json", *(entry["file"] for entry in saved["files"])]
    )


def test_rows_that_cannot_be_read_are_those_said_to_be_so(rows: pd.DataFrame) -> None:
    said = rows.reasons.map(lambda codes: "ROW_MALFORMED" in codes)
    assert said.sum() > 5
    assert (rows.problem.notna() == said).all()


def test_a_verdict_is_the_gravest_of_its_reasons(rows: pd.DataFrame) -> None:
    flags = {"ID_STRUCTURE_CONFLICT", "FACE_NOT_VERIFIED", "SIM_LIMIT_PER_CARRIER", "SIM_LIMIT_TOTAL"}
    both = {"HOLDER_UNDERAGE", "MSISDN_DUPLICATE_IN_CARRIER"}
    variant = {
        "MSISDN_OLD_PREFIX", "ID_FORMAT_REPAIRED", "ID_SUPERSEDED", "NAME_DIACRITICS", "NAME_ENCODING",
        "NAME_I_Y", "NAME_KEYSTROKES", "NAME_ABBREVIATED", "NAME_ORDER", "NAME_SPACING", "DOB_PARTIAL",
        "DOB_IMPOSSIBLE",
    }  # fmt: skip
    rejected = {"ROW_MALFORMED", "MSISDN_INVALID", "MSISDN_NOT_MOBILE"}
    broken = {"ID_NOT_FOUND", "ID_MALFORMED"}  # one of the two, where a wrong ID lost its zero besides
    for verdict, sure, more in zip(rows.verdict, rows.reasons, rows.optional, strict=True):
        codes = set(sure) | broken if broken <= set(more) else set(sure)
        if codes & rejected:
            expected = {"rejected"}
        elif "ID_TYPE_UNSUPPORTED" in codes:
            expected = {"unverifiable"}
        elif codes - flags - both - variant:
            expected = {"mismatch"}
        else:
            least = "variant" if codes & variant else "verified"
            expected = {least, "mismatch"} if codes & both else {least}
        assert verdict in expected, (verdict, codes)
    assert not [1 for codes, more in zip(rows.reasons, rows.optional, strict=True) if set(codes) & set(more)]


def test_kinds_show_at_about_their_rates(tmp_path: Path) -> None:
    manifest = generator.generate(100_000, 200_000, 8, tmp_path / "out", formats="parquet")
    for kind, entry in manifest.errors.items():
        wanted = entry["rate"] * 200_000
        assert entry["rows"] == pytest.approx(wanted, rel=0.25, abs=4 * wanted**0.5 + 1), kind
        assert entry["rows"] > 0 or kind == "row.malformed", kind
    share = {verdict: count / 200_000 for verdict, count in manifest.verdicts.items()}
    assert share["verified"] == pytest.approx(0.79, abs=0.02)
    assert share["variant"] == pytest.approx(0.13, abs=0.02)
    assert share["mismatch"] + share["rejected"] + share["unverifiable"] == pytest.approx(0.08, abs=0.015)


def test_verified_rows_say_what_the_register_says(rows: pd.DataFrame) -> None:
    harmless = ("msisdn", "face", "gender")
    plain = rows[rows.kinds.map(lambda shown: all(kind.startswith(harmless) for kind in shown))]
    plain = plain[(plain.verdict == "verified") & plain.strict]
    assert len(plain) > 10_000
    # One carrier's encoding has no accented capitals and no Highland letters; those rows say so in their
    # reasons.
    same = plain.full_name == plain.held_full_name
    assert (same | (plain.carrier == "vinaphone")).all()
    letters = plain.full_name.str.casefold() == plain.held_full_name.str.casefold()
    assert letters.all()
    assert (plain.id_number == plain.held_id_number).all()
    digits = plain.date_of_birth.str.replace(r"\D", "", regex=True)
    for part in range(3):
        held = plain.held_date_of_birth.str.split("-").str[part]
        assert all(one in cell for one, cell in zip(held, digits, strict=True))


def test_lost_marks_lost_zeros_and_old_numbers(rows: pd.DataFrame) -> None:
    bare = showing(rows, "name.unmarked")
    assert len(bare) > 1000
    assert (bare.full_name.str.casefold() == bare.held_full_name.map(unmarked).str.casefold()).all()
    old = showing(rows, "id.cmnd")
    own = old[old.carrier != "mobifone"]
    assert (own.id_number == own.held_old_id_number).all()
    numbers = rows[(rows.carrier == "mobifone") & rows.id_number.str.fullmatch(r"\d{10,11}").fillna(False)]
    assert len(numbers) > 3000
    resolved = numbers[numbers.citizen.notna()]
    current = resolved.id_number.str.zfill(12) == resolved.held_id_number
    assert (current | resolved.held_previous_id_number.notna()).all()
    assert resolved.reasons.map(lambda codes: "ID_FORMAT_REPAIRED" in codes).all()


def test_ids_of_nobody_are_in_no_register(made: Made, rows: pd.DataFrame) -> None:
    known = set(made.citizens["id_number"].to_pylist())
    for column in ("old_id_number", "previous_id_number"):
        known |= set(made.citizens[column].to_pylist())
    lost = rows[rows.reasons.map(lambda codes: "ID_NOT_FOUND" in codes)]
    assert len(lost) > 300
    assert not set(lost.id_number.str.zfill(12)) & known
    typos = lost[lost.reasons.map(lambda codes: "ID_LIKELY_TYPO" in codes)]
    assert len(typos) > 100
    assert lost.citizen.isna().all()


def test_holders_the_register_does_not_take_for_living_adults(rows: pd.DataFrame) -> None:
    for status, code in (("deceased", "HOLDER_DECEASED"), ("revoked", "ID_REVOKED")):
        said = rows.reasons.map(lambda codes, code=code: code in codes)
        held = (rows.held_status == status) & rows.citizen.notna()
        assert said.sum() > 5
        assert (said == held).all()
        assert (rows[said].verdict == "mismatch").all()
    minor = rows[rows.reasons.map(lambda codes: "HOLDER_UNDERAGE" in codes)]
    assert (minor.held_date_of_birth > "2011-07-01").all()
    assert not (minor[minor.verdict == "verified"].held_date_of_birth > "2020-07-01").any()


def test_a_number_twice_is_told_on_both_rows(rows: pd.DataFrame) -> None:
    readable = rows[(rows.verdict != "rejected")]
    nine = readable.msisdn.str.replace(r"\.0$", "", regex=True)
    nine = nine.where(~nine.str.contains("E", na=False), nine.str[:12].str.replace(".", ""))
    old = readable.reasons.map(lambda codes: "MSISDN_OLD_PREFIX" in codes)
    readable = readable.assign(nine=nine.str.replace(r"\D", "", regex=True).str[-9:])[~old]
    groups = readable.groupby("nine")
    twice = readable[groups["row"].transform("size") > 1]
    carriers = groups["carrier"].transform("nunique")[twice.index]
    told = twice.reasons.map(set)
    assert len(twice) > 300
    for codes, several in zip(told, carriers, strict=True):
        assert ("MSISDN_CLAIMED_BY_OTHER_CARRIER" if several > 1 else "MSISDN_DUPLICATE_IN_CARRIER") in codes
    for kind, other in (("copy.same_person", False), ("copy.other_person", True)):
        pairs = twice[twice.kinds.map(lambda shown, kind=kind: kind in shown)].groupby("nine")["citizen"]
        assert ((pairs.nunique() > 1) == other).all()
    assert set(showing(rows, "copy.other_person").verdict) == {"mismatch"}
    assert "verified" in set(showing(rows, "copy.same_person").verdict)


def test_sim_limits_follow_from_the_rows(rows: pd.DataFrame) -> None:
    good = rows[rows.citizen.notna() & rows.verdict.isin(["verified", "variant"])]
    good = good[~good.kinds.map(lambda shown: any(kind.startswith("copy") for kind in shown))]
    per_carrier = good.groupby(["citizen", "carrier"])["row"].transform("size")
    in_all = good.groupby("citizen")["row"].transform("size")
    for count, least, code in ((per_carrier, 4, "SIM_LIMIT_PER_CARRIER"), (in_all, 10, "SIM_LIMIT_TOTAL")):
        over = good[count >= least]
        assert len(over) > 100
        assert over.reasons.map(lambda codes, code=code: code in codes).all()


def test_nothing_points_at_a_real_person_or_place_of_the_net(made: Made) -> None:
    for table in made.declared.values():
        cells = [cell for cell in table["email"].to_pylist() if cell]
        assert cells
        assert all(cell.endswith(".example.vn") for cell in cells)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for place, seed in (("one", 5), ("two", 5), ("other", 6)):
        generator.generate(400, 900, seed, tmp_path / place)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert not set(digests(tmp_path / "one").values()) & set(digests(tmp_path / "other").values())


def test_blocks_give_one_register_and_one_count_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("people", "country", "sims"):
        monkeypatch.setattr(f"generator.{module}.BLOCK", 500)
    seen: list[tuple[int, int]] = []
    manifest = generator.generate(
        1_700, 4_001, 2, tmp_path / "out", formats="parquet", carriers=["generic", "fpt"],
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    truth = pq.read_table(tmp_path / "out" / "truth.parquet").to_pandas()
    assert manifest.subscriptions == len(truth) == 4_001
    assert seen[-1] == (4_001, 4_001)
    for code, part in truth.groupby("carrier"):
        assert sorted(part.row) == list(range(1, len(part) + 1))
        assert pq.read_metadata(tmp_path / "out" / f"{code}.parquet").num_rows == len(part)
    register = pq.read_table(tmp_path / "out" / "citizens.parquet")
    assert register.num_rows == 1_700
    assert len(set(register["id_number"].to_pylist())) == 1_700


def test_nothing_goes_wrong_where_nothing_is_to(tmp_path: Path) -> None:
    made = generator.generate(3_000, 6_000, 2, tmp_path / "out", formats="parquet", clean_share=1.0)
    assert all(entry["rows"] == 0 for kind, entry in made.errors.items() if BY_NAME[kind].gravity)
    of_register = {
        "DOB_PARTIAL", "DOB_IMPOSSIBLE", "HOLDER_DECEASED", "HOLDER_UNDERAGE", "ID_REVOKED",
        "ID_STRUCTURE_CONFLICT", "SIM_LIMIT_PER_CARRIER", "SIM_LIMIT_TOTAL", "FACE_NOT_VERIFIED",
        "MSISDN_DUPLICATE_IN_CARRIER",
    }  # fmt: skip
    assert set(made.reasons) <= of_register
    worse = generator.generate(3_000, 6_000, 2, tmp_path / "worse", formats="parquet", clean_share=0.6)
    assert worse.verdicts["verified"] / 6_000 == pytest.approx(0.6, abs=0.04)


def test_the_smallest_countries(tmp_path: Path) -> None:
    for citizens, subscriptions in ((1, 0), (1, 1), (1, 30), (3, 2)):
        out = tmp_path / f"{citizens}-{subscriptions}"
        codes = ["viettel", "mobifone", "gmobile"]
        made = generator.generate(citizens, subscriptions, 1, out, carriers=codes)
        assert sum(int(entry["rows"]) for entry in made.files) == subscriptions
        assert pq.read_metadata(out / "truth.parquet").num_rows == subscriptions
        assert pq.read_metadata(out / "citizens.parquet").num_rows == citizens
        for entry in made.files:
            assert (out / str(entry["file"])).exists()


def test_parquet_is_read_as_generic(tmp_path: Path) -> None:
    generator.generate(500, 900, 3, tmp_path / "out", carriers=["generic"], formats="parquet")
    batches = registry.adapter("generic").read(tmp_path / "out" / "generic.parquet")
    assert pa.Table.from_batches(list(batches)).num_rows == 900


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"citizens": 0}, "number of citizens"),
        ({"citizens": 200_000_000}, "number of citizens"),
        ({"subscriptions": -1}, "must not be negative"),
        ({"citizens": 10, "subscriptions": 5_000_000}, "more citizens"),
        ({"seed": -1}, "seed"),
        ({"carriers": []}, "at least one carrier"),
        ({"carriers": ["viettel", "viettel"]}, "none twice"),
        ({"carriers": ["nobody"]}, "no carrier nobody"),
        ({"clean_share": 1.5}, "from 0.6 to 1"),
        ({"clean_share": 0.1}, "from 0.6 to 1"),
    ],
)
def test_arguments_that_make_no_country_are_refused(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    usual: dict[str, object] = {"citizens": 10, "subscriptions": 10, "seed": 1}
    with pytest.raises(UsageError, match=message):
        generator.generate(out=tmp_path / "out", **(usual | arguments))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_content_is_refused_and_an_empty_one_is_used(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for out in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UsageError, match="not an empty folder"):
            generator.generate(10, 10, 1, out)
    (tmp_path / "empty").mkdir()
    generator.generate(10, 10, 1, tmp_path / "empty", carriers=["fpt"])
    assert (tmp_path / "empty" / "manifest.json").exists()


def test_what_is_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.generate(100, 100, 1, tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        generator.generate(10, 10, 1, tmp_path / "file" / "out")


def test_ages_count_on_the_day_that_is_given(tmp_path: Path) -> None:
    made = generator.generate(5_000, 9_000, 1, tmp_path / "out", formats="parquet", as_of=date(2030, 1, 31))
    assert made.as_of == "2030-01-31"
    born = pq.read_table(tmp_path / "out" / "citizens.parquet")["date_of_birth"].to_pylist()
    assert "2029" < max(born) <= "2030-01-31"


def test_codes_of_the_table_are_codes_of_the_contract(rows: pd.DataFrame) -> None:
    named = {code for codes in rows.reasons for code in codes}
    assert named <= {reason.name for reason in Reason}
    assert len(named) > 30
