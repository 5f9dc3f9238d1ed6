"""A whole country: its files read back through the carriers' own adapters, beside the truth."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows(made: Made) -> list[Row]:
    """Every declared row beside its answer and the citizen it leads to."""
    declared = {
        (code, cells["row"]): cells | {"carrier": code}
        for code, table in made.declared.items()
        for cells in table.to_pylist()
    }
    truth = {(answer["carrier"], answer["row"]): answer for answer in made.truth.to_pylist()}
    assert len(declared) == sum(table.num_rows for table in made.declared.values())
    assert len(truth) == made.truth.num_rows
    assert declared.keys() == truth.keys()
    held: dict[int | None, Row] = {None: {f"held_{name}": None for name in made.citizens.column_names}}
    for number, citizen in enumerate(made.citizens.to_pylist(), start=1):
        held[number] = {f"held_{name}": value for name, value in citizen.items()}
    return [cells | truth[key] | held[truth[key]["citizen"]] for key, cells in declared.items()]


def showing(rows: list[Row], kind: str) -> list[Row]:
    return [row for row in rows if kind in row["kinds"]]


def saying(rows: list[Row], code: str) -> list[Row]:
    return [row for row in rows if code in row["reasons"]]


def test_every_row_has_one_answer(made: Made, rows: list[Row]) -> None:
    assert len(rows) == made.truth.num_rows == made.manifest.subscriptions == 60_000
    assert all(row["verdict"] is not None for row in rows)
    files = {entry["carrier"]: entry["file"] for entry in made.manifest.files}
    assert all(row["file"] == files[row["carrier"]] for row in rows)
    for entry in made.manifest.files:
        assert made.declared[str(entry["carrier"])].num_rows == entry["rows"]
        assert (made.folder / str(entry["file"])).exists()
    assert {entry["carrier"] for entry in made.manifest.files} == set(registry.codes()) - {"generic"}
    assert made.citizens.num_rows == 20_000


def test_the_manifest_counts_what_is_there(made: Made, rows: list[Row]) -> None:
    saved = json.loads((made.folder / "manifest.json").read_text("utf-8"))
    assert saved["seed"] == 11
    assert saved["verdicts"] == made.manifest.verdicts == dict(Counter(row["verdict"] for row in rows))
    assert saved["reasons"] == dict(Counter(code for row in rows for code in row["reasons"]))
    shown = dict(Counter(kind for row in rows for kind in row["kinds"]))
    assert {kind: entry["rows"] for kind, entry in saved["errors"].items() if entry["rows"]} == shown
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(
        ["citizens.parquet", "truth.parquet", "manifest.json", *(entry["file"] for entry in saved["files"])]
    )


def test_rows_that_cannot_be_read_are_those_said_to_be_so(rows: list[Row]) -> None:
    assert len(saying(rows, "ROW_MALFORMED")) > 5
    assert all((row["problem"] is not None) == ("ROW_MALFORMED" in row["reasons"]) for row in rows)


def test_a_verdict_is_the_gravest_of_its_reasons(rows: list[Row]) -> None:
    flags = {"ID_STRUCTURE_CONFLICT", "FACE_NOT_VERIFIED", "SIM_LIMIT_PER_CARRIER", "SIM_LIMIT_TOTAL"}
    both = {"HOLDER_UNDERAGE", "MSISDN_DUPLICATE_IN_CARRIER"}
    variant = {
        "MSISDN_OLD_PREFIX", "ID_FORMAT_REPAIRED", "ID_SUPERSEDED", "NAME_DIACRITICS", "NAME_ENCODING",
        "NAME_I_Y", "NAME_KEYSTROKES", "NAME_ABBREVIATED", "NAME_ORDER", "NAME_SPACING", "DOB_PARTIAL",
        "DOB_IMPOSSIBLE",
    }  # fmt: skip
    rejected = {"ROW_MALFORMED", "MSISDN_INVALID", "MSISDN_NOT_MOBILE"}
    broken = {"ID_NOT_FOUND", "ID_MALFORMED"}  # one of the two, where a wrong ID lost its zero besides
    for row in rows:
        verdict, sure, more = row["verdict"], row["reasons"], row["optional"]
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
    assert not [row for row in rows if set(row["reasons"]) & set(row["optional"])]


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


def test_verified_rows_say_what_the_register_says(rows: list[Row]) -> None:
    harmless = ("msisdn", "face", "gender")
    plain = [row for row in rows if all(kind.startswith(harmless) for kind in row["kinds"])]
    plain = [row for row in plain if row["verdict"] == "verified" and row["strict"]]
    assert len(plain) > 10_000
    for row in plain:
        # One carrier's encoding has no accented capitals and no Highland letters; those rows say so in their
        # reasons.
        assert row["full_name"] == row["held_full_name"] or row["carrier"] == "vinaphone", row
        assert row["full_name"].casefold() == row["held_full_name"].casefold(), row
        assert row["id_number"] == row["held_id_number"] is not None, row
        digits = re.sub(r"\D", "", row["date_of_birth"])
        held = row["held_date_of_birth"].split("-")
        assert len(held) == 3
        assert all(part in digits for part in held), row


def test_lost_marks_lost_zeros_and_old_numbers(rows: list[Row]) -> None:
    bare = showing(rows, "name.unmarked")
    assert len(bare) > 1000
    assert all(row["full_name"].casefold() == unmarked(row["held_full_name"]).casefold() for row in bare)
    own = [row for row in showing(rows, "id.cmnd") if row["carrier"] != "mobifone"]
    assert own
    assert all(row["id_number"] == row["held_old_id_number"] is not None for row in own)
    numbers = [
        row for row in rows
        if row["carrier"] == "mobifone" and re.fullmatch(r"\d{10,11}", row["id_number"] or "")
    ]  # fmt: skip
    assert len(numbers) > 3000
    resolved = [row for row in numbers if row["citizen"] is not None]
    assert resolved
    for row in resolved:
        current = row["id_number"].zfill(12) == row["held_id_number"]
        assert current or row["held_previous_id_number"] is not None, row
        assert "ID_FORMAT_REPAIRED" in row["reasons"], row


def test_ids_of_nobody_are_in_no_register(made: Made, rows: list[Row]) -> None:
    known = set(made.citizens["id_number"].to_pylist())
    for column in ("old_id_number", "previous_id_number"):
        known |= set(made.citizens[column].to_pylist())
    lost = saying(rows, "ID_NOT_FOUND")
    assert len(lost) > 300
    assert not {row["id_number"].zfill(12) for row in lost} & known
    assert len(saying(lost, "ID_LIKELY_TYPO")) > 100
    assert all(row["citizen"] is None for row in lost)


def test_holders_the_register_does_not_take_for_living_adults(rows: list[Row]) -> None:
    for status, code in (("deceased", "HOLDER_DECEASED"), ("revoked", "ID_REVOKED")):
        said = saying(rows, code)
        assert len(said) > 5
        assert said == [row for row in rows if row["held_status"] == status]
        assert all(row["verdict"] == "mismatch" for row in said)
    minor = saying(rows, "HOLDER_UNDERAGE")
    assert minor
    assert all(row["held_date_of_birth"] > "2011-07-01" for row in minor)
    assert not any(row["held_date_of_birth"] > "2020-07-01" for row in minor if row["verdict"] == "verified")


def last_nine(msisdn: str) -> str:
    """The nine digits of a mobile number, from a cell that a spreadsheet may have made a number of."""
    cell = msisdn.removesuffix(".0")
    if "E" in cell:
        cell = cell[:12].replace(".", "")
    return re.sub(r"\D", "", cell)[-9:]


def test_a_number_twice_is_told_on_both_rows(rows: list[Row]) -> None:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["verdict"] != "rejected" and "MSISDN_OLD_PREFIX" not in row["reasons"]:
            groups[last_nine(row["msisdn"])].append(row)
    twice = [group for group in groups.values() if len(group) > 1]
    assert sum(len(group) for group in twice) > 300
    for group in twice:
        several = len({row["carrier"] for row in group}) > 1
        code = "MSISDN_CLAIMED_BY_OTHER_CARRIER" if several else "MSISDN_DUPLICATE_IN_CARRIER"
        assert all(code in row["reasons"] for row in group), group
    for kind, other in (("copy.same_person", False), ("copy.other_person", True)):
        pairs = [pair for pair in (showing(group, kind) for group in twice) if pair]
        assert pairs
        for pair in pairs:
            assert (len({row["citizen"] for row in pair} - {None}) > 1) == other, pair
    assert {row["verdict"] for row in showing(rows, "copy.other_person")} == {"mismatch"}
    assert "verified" in {row["verdict"] for row in showing(rows, "copy.same_person")}


def test_sim_limits_follow_from_the_rows(rows: list[Row]) -> None:
    good = [row for row in rows if row["citizen"] is not None and row["verdict"] in {"verified", "variant"}]
    good = [row for row in good if not any(kind.startswith("copy") for kind in row["kinds"])]
    per_carrier = Counter((row["citizen"], row["carrier"]) for row in good)
    in_all = Counter(row["citizen"] for row in good)
    for over, code in (
        ([row for row in good if per_carrier[row["citizen"], row["carrier"]] >= 4], "SIM_LIMIT_PER_CARRIER"),
        ([row for row in good if in_all[row["citizen"]] >= 10], "SIM_LIMIT_TOTAL"),
    ):
        assert len(over) > 100
        assert saying(over, code) == over


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
    truth = pq.read_table(tmp_path / "out" / "truth.parquet")
    assert manifest.subscriptions == truth.num_rows == 4_001
    assert seen[-1] == (4_001, 4_001)
    parts: dict[str, list[int]] = defaultdict(list)
    for row in truth.to_pylist():
        parts[row["carrier"]].append(row["row"])
    for code, numbers in parts.items():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        assert pq.read_metadata(tmp_path / "out" / f"{code}.parquet").num_rows == len(numbers)
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


def test_codes_of_the_table_are_codes_of_the_contract(rows: list[Row]) -> None:
    named = {code for row in rows for code in row["reasons"]}
    assert named <= {reason.name for reason in Reason}
    assert len(named) > 30
