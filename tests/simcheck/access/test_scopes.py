from __future__ import annotations

import pytest

from simcheck.access.scopes import SCOPES, chosen, of_carriers, of_services
from simcheck.errors import UsageError


def test_every_scope_is_somebodys():
    assert {*of_carriers(), *of_services()} == set(SCOPES)


def test_what_is_for_whom():
    assert chosen(["batches:write", "batches:read", "batches:read"], "viettel") == [
        "batches:read",
        "batches:write",
    ]
    assert chosen(["otp-checks"], None) == ["otp-checks"]
    for scope, carrier in (("otp-checks", "viettel"), ("batches:write", None)):
        with pytest.raises(UsageError, match="only for"):
            chosen([scope], carrier)
    with pytest.raises(UsageError, match="no such scope"):
        chosen(["everything"], "viettel")
