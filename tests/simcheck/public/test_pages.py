from __future__ import annotations

import pytest

from simcheck.messages.words import Language
from simcheck.public import pages

pytestmark = pytest.mark.anyio


async def test_what_a_browser_is_told_of_a_page(http):
    answer = await http.get("/")
    policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-language"] == "vi"


async def test_a_page_stands_at_its_address_in_each_language(http):
    vietnamese, english = await http.get("/"), await http.get("/en/")
    assert '<html lang="vi">' in vietnamese.text
    assert '<html lang="en">' in english.text
    assert english.headers["content-language"] == "en"
    assert 'href="/en/" lang="en"' in vietnamese.text
    assert 'href="/" lang="vi"' in english.text
    assert 'action="/en/"' in english.text


@pytest.mark.parametrize(
    ("path", "language", "rest"),
    [
        ("/", Language.VI, "/"), ("/my", Language.VI, "/my"), ("/en", Language.EN, "/"),
        ("/en/", Language.EN, "/"), ("/en/my", Language.EN, "/my"), ("/english", Language.VI, "/english"),
    ],
)  # fmt: skip
def test_the_language_of_an_address(path, language, rest):
    assert pages.language_of(path) is language
    assert pages.without_language(path) == rest
