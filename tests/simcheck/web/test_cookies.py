from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.responses import Response

from simcheck import clock
from simcheck.privacy import Keyring
from simcheck.web.cookies import Jar


@pytest.fixture(scope="module")
def ring():
    return Keyring.make()


def sent(jar: Jar) -> list[str]:
    response = Response()
    jar.onto(response)
    return [value.decode() for name, value in response.raw_headers if name == b"set-cookie"]


def test_over_https_no_other_host_can_set_ours(ring):
    jar = Jar(ring, True, {"visit": "planted"})
    assert jar.get("visit") is None
    jar.put("visit", "ours")
    assert sent(jar) == ["__Host-visit=ours; HttpOnly; Path=/; SameSite=strict; Secure"]


def test_the_browsers_id_stays(ring):
    jar = Jar(ring, False, {})
    first = jar.visit
    assert jar.visit == first
    assert sent(jar) == [f"visit={first}; HttpOnly; Path=/; SameSite=strict"]
    later = Jar(ring, False, {"visit": first})
    assert later.visit == first
    assert sent(later) == []


def test_what_was_sealed_is_read_where_it_was_put_and_in_time(ring):
    jar = Jar(ring, False, {})
    jar.seal("said", {"what": "An Nguyen"}, 60, bound_to="me")
    [header] = sent(jar)
    assert "Nguyen" not in header
    assert "Max-Age=60" in header
    value = header.partition(";")[0].partition("=")[2]
    back = Jar(ring, False, {"said": value, "other": value})
    assert back.unseal("said", bound_to="me") == {"what": "An Nguyen"}
    assert back.unseal("said", bound_to="you") is None
    assert back.unseal("other", bound_to="me") is None
    assert Jar(Keyring.make(), False, {"said": value}).unseal("said", bound_to="me") is None
    with clock.fixed(clock.now() + timedelta(seconds=61)):
        assert back.unseal("said", bound_to="me") is None


@pytest.mark.parametrize("value", ["", "x", "ă", "AAAA", "=" * 9, "A" * 5000])
def test_what_was_not_sealed_here(ring, value):
    assert Jar(ring, False, {"said": value}).unseal("said") is None


def test_what_is_forgotten(ring):
    jar = Jar(ring, False, {"said": "x"})
    jar.drop("said")
    jar.drop("never")
    assert jar.get("said") is None
    [header] = sent(jar)
    assert header.startswith('said=""; HttpOnly; Max-Age=0;')


def test_two_doors_have_each_an_id_of_the_browser(ring):
    holders = Jar(ring, False, {})
    desks = Jar(ring, False, {"visit": holders.visit}, "desk_visit")
    assert desks.visit != holders.visit
    assert sent(desks)[0].startswith("desk_visit=")
