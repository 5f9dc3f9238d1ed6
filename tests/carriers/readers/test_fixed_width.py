from __future__ import annotations

import pytest

from simcheck.errors import FileRefusedError

WIDTH = 307
WRONG = "The line is shorter or longer than its columns"


def line(name: str = "Nguyễn Văn A") -> str:
    cells = [
        ("r1", 16),
        ("0912345678", 16),
        ("CC", 2),
        ("079203001234", 16),
        (name, 64),
        ("01021990", 10),
        ("2", 1),
    ]
    return "".join(text.ljust(width) for text, width in cells).ljust(WIDTH)


def test_cells_lose_their_filling_only(read):
    for end in ("\n", "\r\n", "\r"):
        rows, reading = read((line() + end + line("  Lê  ") + end + end).encode(), "gmobile")
        assert [row["full_name"] for row in rows] == ["Nguyễn Văn A", "  Lê"]
        first = rows[0]
        assert (first["msisdn"], first["id_number"], first["date_of_birth"]) == (
            "0912345678",
            "079203001234",
            "01021990",
        )
        assert (first["gender"], first["id_type"], first["email"], first["row_ref"]) == (
            "F",
            "cccd",
            "",
            "r1",
        )
    assert reading.encoding == "utf-8"


def test_positions_count_characters_not_bytes(read):
    rows, _ = read((line("Ễ" * 64) + "\n" + line("x" * 64)).encode(), "gmobile")
    assert [row["full_name"] for row in rows] == ["Ễ" * 64, "x" * 64]


def test_short_and_long_lines_and_nul_are_problem_rows(read):
    data = [line(), line()[:-1], line() + " ", "x", line().replace("A", "\0"), line()]
    for chunk_bytes in (8 << 20, 11):
        rows, _ = read("\n".join(data).encode(), "gmobile", chunk_bytes=chunk_bytes)
        assert [row["problem"] for row in rows] == [
            None,
            WRONG,
            WRONG,
            WRONG,
            "A cell contains NUL bytes",
            None,
        ]


def test_a_line_that_is_not_utf8_is_read_as_latin1(read):
    data = line("Nguy~n").encode().replace(b"~", b"\xd4")
    rows, _ = read(line().encode() + b"\n" + data, "gmobile")
    assert [row["full_name"] for row in rows] == ["Nguyễn Văn A", "NguyÔn"]


def test_another_format_is_refused(read):
    with pytest.raises(FileRefusedError, match="no line of 307 characters"):
        read(b"msisdn,id_number\n1,2\n", "gmobile")
    for data in (b"", b"\n\n"):
        with pytest.raises(FileRefusedError, match=r"is empty|no line of"):
            read(data, "gmobile")
