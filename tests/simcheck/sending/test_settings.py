from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.sending import process
from simcheck.sending.settings import links_of

LINK = {
    "name": "one",
    "host": "smsc.example.vn",
    "system_id": "simcheck",
    "password": "secret",
    "source": "1414",
}


def read(given: object):
    text = given if isinstance(given, str) else json.dumps(given)
    return links_of(Settings(sms_links=SecretStr(text)))


def test_links_from_json_or_a_file(tmp_path):
    [link] = read([LINK])
    assert (link.port, link.centre, link.source_type) == (2775, "one", (3, 0))
    file = tmp_path / "links.json"
    file.write_text(json.dumps([LINK, LINK | {"name": "two", "smsc": "one", "source": "SIMCHECK"}]))
    first, second = read(str(file))
    assert (first.centre, second.centre, second.source_type) == ("one", "one", (5, 0))
    assert links_of(Settings()) == []


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ("nowhere.json", "path"), ("[", "JSON"), ([LINK, LINK], "called one"),
        ([LINK | {"port": 0}], "0.port"),
        ([LINK | {"source": "SIMCHECK-LONG"}], "11 characters"), ([LINK | {"source": ""}], "source"),
        ([LINK | {"bind": "both"}], "0.bind"), ([LINK | {"colour": "red"}], "0.colour"), ([1], "0"),
        ([LINK | {"tls": True, "tls_authority": "nowhere.pem"}], "TLS"),
    ],
)  # fmt: skip
async def test_faults_are_named_without_a_value(given, word, service):
    from dataclasses import replace

    text = given if isinstance(given, str) else json.dumps(given)
    mine = replace(service, settings=service.settings.model_copy(update={"sms_links": SecretStr(text)}))
    with pytest.raises(SettingsError) as raised:
        process.make(mine)
    assert word in str(raised.value)
    assert all(line.startswith("SIMCHECK_SMS_LINKS: ") for line in raised.value.lines)
    assert "secret" not in str(raised.value)


async def test_a_sender_without_a_link_does_not_start(service):
    with pytest.raises(SettingsError, match="no link is set up"):
        process.make(service)


pytestmark = pytest.mark.anyio
