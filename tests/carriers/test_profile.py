from __future__ import annotations

import re
from pathlib import Path

import pytest

import carriers
from carriers.profile import EXPECT_KEYS, FILE_KEYS, load
from simcheck.errors import UsageError
from simcheck.records import REQUIRED

GOOD = """
code = "acme"
name = "Acme"
assumption = "Made up."
[file]
format = "csv"
extensions = [".csv"]
delimiter = ";"
[columns]
msisdn = "Phone"
id_number = ["ID", "Number"]
full_name = "Name"
date_of_birth = "Born"
[values.gender]
Man = "M"
[expect]
rows = [1, 100]
"""
FIXED = """
msisdn = { start = 1, width = 10 }
id_number = { start = 11, width = 12 }
full_name = { start = 23, width = 30 }
date_of_birth = { start = 53, width = 10 }
"""


def loaded(tmp_path: Path, text: str):
    (tmp_path / "carrier.toml").write_text(text, "utf-8")
    return load(tmp_path)


def test_a_profile_is_read(tmp_path):
    profile = loaded(tmp_path, GOOD)
    assert (profile.code, profile.format, profile.delimiter, profile.rows) == ("acme", "csv", ";", (1, 100))
    assert profile.headers["id_number"] == ("ID", "Number")
    assert profile.values == {"gender": {"Man": "M"}}
    assert (profile.encodings, profile.compression, profile.date_format) == (("utf-8",), "none", "%Y-%m-%d")
    assert profile.required == REQUIRED
    assert load(tmp_path / "carrier.toml") == profile


def test_positions_count_from_one_in_the_file_and_from_zero_here(tmp_path):
    head, tail = GOOD.replace('"csv"', '"fixed"', 1).split("msisdn =")[0], GOOD[GOOD.index("[values") :]
    profile = loaded(tmp_path, head + FIXED + tail)
    assert profile.positions["id_number"] == (10, 12)
    assert profile.columns == REQUIRED


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('code = "acme"', 'code = "Acme 1"', "code"),
        ('code = "acme"', "", "code"),
        ('name = "Acme"', 'name = " "', "name"),
        ('assumption = "Made up."', "", "assumption"),
        ('name = "Acme"', 'title = "Acme"', "title"),
        ('format = "csv"', 'format = "xml"', "format"),
        ('format = "csv"', 'format = "csv"\nalso = ["doc"]', "also"),
        ('extensions = [".csv"]', "", "extensions"),
        ('extensions = [".csv"]', 'extensions = ["csv"]', "extensions"),
        ('delimiter = ";"', 'delimiter = ";;"', "delimiter"),
        ('delimiter = ";"', 'delimiter = "\\n"', "delimiter"),
        ('delimiter = ";"', "", "delimiter"),
        ('delimiter = ";"', 'delimiter = ";"\nquote = "»"', "quote"),
        ('delimiter = ";"', 'delimiter = ";"\nquote = ";"', "quote"),
        ('delimiter = ";"', 'delimiter = ";"\nencodings = ["ebcdic"]', "encodings"),
        ('delimiter = ";"', 'delimiter = ";"\ncompression = "rar"', "compression"),
        ('delimiter = ";"', 'delimiter = ";"\ndate_format = "%d/%m"', "date_format"),
        ('delimiter = ";"', 'delimiter = ";"\ndate_format = "%d/%m/%Y %H"', "date_format"),
        ('delimiter = ";"', 'delimiter = ";"\nnumbers = ["phone"]', "numbers"),
        ('delimiter = ";"', 'delimiter = ";"\nsheet_rows = 2_000_000', "sheet_rows"),
        ('delimiter = ";"', 'delimiter = ";"\nseparator = ";"', "file.separator"),
        ('msisdn = "Phone"', "", "columns.msisdn"),
        ('msisdn = "Phone"', 'msisdn = ""', "columns.msisdn"),
        ('msisdn = "Phone"', 'msisdn = "Phone"\nphone = "x"', "columns.phone"),
        ('msisdn = "Phone"', 'msisdn = " NAME "', "columns.full_name"),
        ('Man = "M"', "Man = 1", "values.gender"),
        ("[values.gender]", "[values.sex]", "values.sex"),
        ("rows = [1, 100]", "rows = [100, 1]", "expect.rows"),
        ("rows = [1, 100]", "", "expect.rows"),
        ("rows = [1, 100]", 'rows = [1, 100]\nrequired = ["email"]', "expect.required"),
        ("rows = [1, 100]", "rows = [1, 100]\nmax_empty = { email = 2 }", "expect.max_empty.email"),
        ("rows = [1, 100]", "rows = [1, 100]\nmax_empty = 1", "max_empty"),
        ("[values.gender]", "[values]\ngender = 1\n[other]", "other"),
    ],
)
def test_a_wrong_key_is_named(tmp_path, old, new, named):
    assert GOOD.count(old) == 1
    with pytest.raises(UsageError, match=rf"carrier\.toml: key {re.escape(named)}: ") as caught:
        loaded(tmp_path, GOOD.replace(old, new))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "named"),
    [
        ("msisdn = { start = 0, width = 10 }", "columns.msisdn"),
        ("msisdn = { start = 1 }", "columns.msisdn"),
        ('msisdn = "Phone"', "columns.msisdn"),
        ("msisdn = { start = 1, width = 11 }", "columns.id_number"),
    ],
)
def test_a_wrong_position_is_named(tmp_path, column, named):
    head, tail = GOOD.replace('"csv"', '"fixed"', 1).split("msisdn =")[0], GOOD[GOOD.index("[values") :]
    with pytest.raises(UsageError, match=f"key {named}"):
        loaded(tmp_path, head + FIXED.replace("msisdn = { start = 1, width = 10 }", column) + tail)


def test_a_file_that_is_missing_or_no_toml(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "carrier.toml")
    with pytest.raises(UsageError, match="is not valid TOML"):
        loaded(tmp_path, "code = ")
    (tmp_path / "carrier.toml").write_bytes(b"code = '\xff'")
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path)


def test_the_example_in_the_documentation_is_complete(tmp_path):
    text = (Path(carriers.__file__).parents[1] / "docs" / "adapters.md").read_text("utf-8")
    example = re.search(r"```toml\n(code = .*?)```", text, re.DOTALL)
    profile = loaded(tmp_path, example[1])
    assert profile.code == "newtel"
    keys = text[text.index("## The keys") : text.index("## What happens to a cell")]
    for key in ("code", "name", "assumption", *FILE_KEYS, "columns", "values", *EXPECT_KEYS):
        assert re.search(rf"\| `[^`]*\b{key}\b", keys), key
