from __future__ import annotations

import json

import pytest

from simcheck.config import Settings
from simcheck.errors import SettingsError
from simcheck.sending.mail.settings import mail_of, sender_of
from simcheck.sending.mail.smtp import Tls

WHOLE = {"host": "mail.example.vn", "from": "us@example.vn"}


def settings(value) -> Settings:
    return Settings(mail=value if isinstance(value, str | None) else json.dumps(value))


def test_without_it_there_is_no_email():
    assert mail_of(settings(None)) is None


def test_it_is_an_object_or_a_file(tmp_path, keyring):
    file = tmp_path / "mail.json"
    file.write_text(json.dumps({**WHOLE, "user": "u", "password": "hunter2", "tls": "implicit", "port": 465}))
    for given in (settings(str(file)), settings(file.read_text())):
        sender = sender_of(mail_of(given), keyring)
        assert (sender.server.host, sender.server.port, sender.server.tls) == (
            "mail.example.vn",
            465,
            Tls.IMPLICIT,
        )
        assert (sender.server.user, sender.server.password) == ("u", "hunter2")
        assert sender.sender.domain == "example.vn"
    assert "hunter2" not in repr(mail_of(given)) + repr(sender.server)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("nowhere.json", "the path of a file"),
        ("{", "not JSON"),
        ({}, "host"),
        ({**WHOLE, "from": "us"}, "from"),
        ({**WHOLE, "from": "us@example.vn\n"}, "from"),
        ({**WHOLE, "port": 0}, "port"),
        ({**WHOLE, "tls": "perhaps"}, "tls"),
        ({**WHOLE, "name": "a\nBcc: x"}, "name"),
        ({**WHOLE, "user": "u"}, "user and password"),
        ({**WHOLE, "dkim_selector": "k1"}, "dkim_key and dkim_selector"),
        ({**WHOLE, "dkim_selector": "k1", "dkim_key": "/nowhere.pem"}, "dkim_key"),
        ({**WHOLE, "passwort": "hunter2"}, "passwort"),
    ],
)
def test_every_fault_is_named_and_no_value_shown(keyring, value, named):
    with pytest.raises(SettingsError) as error:
        sender_of(mail_of(settings(value)), keyring)
    assert all(line.startswith("SIMCHECK_MAIL: ") for line in error.value.lines)
    assert named in " ".join(error.value.lines)
    assert "hunter2" not in str(error.value)
