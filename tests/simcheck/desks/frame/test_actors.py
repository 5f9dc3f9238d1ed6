from __future__ import annotations

import pytest

from simcheck.desks.frame.actors import whose


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ("person:lan", "lan"), ("job:orders.propose", "job:orders.propose"),
        ("command:policy", "command:policy"), ("holder:4f", "holder"),
        ("client:viettel-1", "client:viettel-1"), (None, ""),
    ],
)  # fmt: skip
def test_who_acted_as_pages_name_them(actor, said):
    assert whose(actor) == said
