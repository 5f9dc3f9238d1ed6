from __future__ import annotations

from simcheck.enforcement import lines

TEXT = """\
# [no.table]
version = "[[x]]"  # not = a = key

[orders]
due = [
    1,  # ]
    2,
]
most = { a = 1 }

[[tracks]]
id = "a"
[[tracks.steps]]
act = "x"
[[tracks.steps]]
act = "y"
[[tracks]]
"id" = "b"
[[tracks.steps]]
act = "z"
"""


def test_where_everything_stands():
    found = lines.find(TEXT)
    assert found.first == {
        ("version",): 2, ("orders",): 4, ("orders", "due"): 5, ("orders", "most"): 9,
        ("tracks", 0): 11, ("tracks", 0, "id"): 12, ("tracks", 0, "steps", 0): 13,
        ("tracks", 0, "steps", 0, "act"): 14, ("tracks", 0, "steps", 1): 15,
        ("tracks", 0, "steps", 1, "act"): 16, ("tracks", 1): 17, ("tracks", 1, "id"): 18,
        ("tracks", 1, "steps", 0): 19, ("tracks", 1, "steps", 0, "act"): 20,
    }  # fmt: skip


def test_what_is_not_there_stands_where_its_table_does():
    found = lines.find(TEXT)
    assert found.at(("tracks", 1, "steps", 0, "after")) == 19
    assert found.at(("orders", "most", "a")) == 9
    assert found.at(("nothing",)) == 1
