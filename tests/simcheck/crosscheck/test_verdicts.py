from __future__ import annotations

import csv
import json
import math
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simcheck.crosscheck import run
from simcheck.matching import rules
from tests.building import File, citizen, register, request, row

AN = citizen(1, "Nguyễn Văn An")
BINH = citizen(2, "Trần Thị Bình", gender="F", old_id_number="012345678")
ROWS = [
    row(1, AN, row_ref="a"),
    row(2, AN, full_name="NGUYEN VAN AN", row_ref="b"),
    row(3, BINH, full_name="Lê Văn Tám", row_ref="=1+2"),
    row(4, BINH, id_number="012345678", row_ref='c,"d"'),
    row("02838221234", AN, row_ref="-5"),
    {"problem": "The row has too many cells."},
    row(5, AN, id_number="B1234567", id_type="passport", row_ref="+84"),
    row(6, AN, full_name=None, row_ref=None),
]
VERDICTS = ["verified", "variant", "mismatch", "variant", "rejected", "rejected", "unverifiable", "mismatch"]


@pytest.fixture
def out(tmp_path):
    citizens = register(tmp_path / "register.parquet", [AN, BINH])
    asked = request(tmp_path, citizens, File("viettel", ROWS), File("itel", [row(50, BINH)]), size=3)
    run.check(asked)
    return asked.out


def lines(out, carrier="viettel"):
    with (out / f"feedback-{carrier}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_files_of_the_contract_and_no_others(out):
    assert sorted(each.name for each in out.iterdir()) == [
        "feedback-itel.csv", "feedback-viettel.csv", "summary.json", "verdicts.parquet",
    ]  # fmt: skip


def test_the_columns_of_the_contract(out):
    table = pq.read_table(out / "verdicts.parquet")
    assert [(field.name, field.type) for field in table.schema] == [
        ("carrier", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("msisdn", pa.string()),
        ("id_number", pa.string()), ("verdict", pa.string()),
        ("reasons", pa.list_(pa.field("element", pa.string()))),
        ("name_score", pa.float32()),
    ]  # fmt: skip
    assert table["row"].to_pylist() == [*range(1, 9), 1]
    assert table["carrier"].to_pylist() == ["viettel"] * 8 + ["itel"]
    assert table["file"].to_pylist() == ["viettel.rows"] * 8 + ["itel.rows"]
    assert table["verdict"].to_pylist() == [*VERDICTS, "verified"]
    assert table["reasons"].null_count == 0
    assert table["reasons"].to_pylist()[0] == []
    assert table["msisdn"].to_pylist() == [
        "+84900000001", "+84900000002", "+84900000003", "+84900000004", None, None, "+84900000005",
        "+84900000006", "+84900000050",
    ]  # fmt: skip
    ids = [
        AN.id_number,
        AN.id_number,
        BINH.id_number,
        None,
        AN.id_number,
        None,
        None,
        AN.id_number,
        BINH.id_number,
    ]
    assert table["id_number"].to_pylist() == ids
    scores = table["name_score"].to_pylist()
    assert scores[0] == 1
    assert 0.8 < scores[1] < 1
    assert scores[2] < 0.5
    assert [scores[at] for at in (5, 6)] == [None, None]
    assert scores[7] == 0
    assert not any(score is not None and math.isnan(score) for score in scores)


def test_feedback_tells_every_row_that_is_not_verified(out):
    told = lines(out)
    assert list(told[0]) == [
        "file", "row", "row_ref", "msisdn", "verdict", "reasons", "what_to_do_vi", "what_to_do_en",
    ]  # fmt: skip
    assert [int(each["row"]) for each in told] == [2, 3, 4, 5, 6, 7, 8]
    assert [each["verdict"] for each in told] == VERDICTS[1:]
    assert [each["row_ref"] for each in told] == ["b", "'=1+2", 'c,"d"', "-5", "", "'+84", ""]
    table = pq.read_table(out / "verdicts.parquet").to_pylist()
    for each in told:
        same = table[int(each["row"]) - 1]
        assert each["reasons"].split(";") == same["reasons"]
        assert each["msisdn"] == (same["msisdn"] or "")
        texts = [rules.load().of[reason] for reason in rules.Reason if reason.name in same["reasons"]]
        assert each["what_to_do_vi"] == " ".join(rule.vi for rule in texts)
        assert each["what_to_do_en"] == " ".join(rule.en for rule in texts)
    assert lines(out, "itel") == []
    assert (out / "feedback-itel.csv").read_text("utf-8").count("\n") == 1


def test_no_cell_of_feedback_is_run_by_a_workbook(tmp_path):
    references = [
        "=cmd()",
        "+1",
        "@SUM(A1)",
        "-1+2",
        "-cmd|' /C calc'!A0",
        "\t=1",
        "\r=1",
        "ok",
        "-12.5",
        '="a\n"',
        " =1",
    ]
    rows = [row(at, AN, full_name="Lê Tám", row_ref=each) for at, each in enumerate(references)]
    asked = request(tmp_path, register(tmp_path / "register.csv", [AN]), File("viettel", rows))
    run.check(asked)
    told = lines(asked.out)
    assert len(told) == len(references)
    for each, reference in zip(told, references, strict=True):
        assert each["row_ref"].removeprefix("'") == reference
        risky = reference[0] in "=+@\t\r" or (reference[0] == "-" and reference != "-12.5")
        assert each["row_ref"].startswith("'") == risky


def test_the_summary_adds_up(out):
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    table = pq.read_table(out / "verdicts.parquet").to_pylist()
    assert summary["rows"] == len(table) == 9
    assert sum(summary["verdicts"].values()) == 9
    for carrier in ("viettel", "itel"):
        mine = [each for each in table if each["carrier"] == carrier]
        figures = summary["carriers"][carrier]
        assert figures["rows"] == len(mine) == sum(figures["verdicts"].values())
        for verdict, count in figures["verdicts"].items():
            assert count == sum(each["verdict"] == verdict for each in mine)
        counted = {
            reason: sum(reason in each["reasons"] for each in mine)
            for each in mine
            for reason in each["reasons"]
        }
        assert figures["reasons"] == counted
    assert set(summary["verdicts"]) == {"verified", "variant", "mismatch", "unverifiable", "rejected"}
    for verdict, count in summary["verdicts"].items():
        assert count == sum(figures["verdicts"][verdict] for figures in summary["carriers"].values())
    assert summary["rules_version"] == rules.load().version
    assert summary["as_of"] == "2026-11-23"
    assert len(summary["register"]["sha256"]) == 64
    assert summary["seconds"] > 0
    assert summary["rows_per_second"] >= 0
    assert summary["peak_memory_bytes"] > 1 << 20
    assert [(each["file"], each["rows"]) for each in summary["files"]] == [
        ("viettel.rows", 8),
        ("itel.rows", 1),
    ]


def test_files_of_one_name_are_told_apart(tmp_path):
    citizens = register(tmp_path / "register.csv", [AN])
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    files = [
        File("viettel", [row(at, AN, full_name="Lê Tám")], f"{each}/x.csv") for at, each in enumerate("ab")
    ]
    asked = request(tmp_path, citizens, *files)
    run.check(asked)
    names = pq.read_table(asked.out / "verdicts.parquet")["file"].to_pylist()
    assert len(set(names)) == 2
    assert all(name.endswith("x.csv") for name in names)
    assert [each["file"] for each in lines(asked.out)] == names


def test_a_duckdb_or_pandas_reader_sees_plain_strings(out):
    # What Parquet itself says of each column, which is all that a reader without Arrow goes by.
    with pq.ParquetFile(out / "verdicts.parquet") as file:
        columns = [file.schema.column(at) for at in range(len(file.schema))]
        found = Counter(file.read(columns=["verdict"])["verdict"].to_pylist())
    assert [(each.path, each.physical_type, each.logical_type.type) for each in columns] == [
        ("carrier", "BYTE_ARRAY", "STRING"), ("file", "BYTE_ARRAY", "STRING"), ("row", "INT64", "NONE"),
        ("msisdn", "BYTE_ARRAY", "STRING"), ("id_number", "BYTE_ARRAY", "STRING"),
        ("verdict", "BYTE_ARRAY", "STRING"), ("reasons.list.element", "BYTE_ARRAY", "STRING"),
        ("name_score", "FLOAT", "NONE"),
    ]  # fmt: skip
    assert {each.converted_type for each in columns if each.physical_type == "BYTE_ARRAY"} == {"UTF8"}
    assert sorted(found.items()) == [
        ("mismatch", 2), ("rejected", 2), ("unverifiable", 1), ("variant", 2), ("verified", 2),
    ]  # fmt: skip
