from __future__ import annotations

import pytest

from simcheck import clock, terminal
from simcheck.access import sign_in
from simcheck.access.roles import MAY, Role
from simcheck.commands import demo_people
from simcheck.errors import UsageError
from simcheck.terminal import Language


@pytest.mark.anyio
async def test_everybody_of_the_demo_can_sign_in_with_the_code_of_now(service, tmp_path):
    made = await demo_people.add_all(service, tmp_path)
    assert {each.role for each in made} == set(MAY)
    assert len({each.password for each in made}) == len({each.secret for each in made}) == len(made)
    assert {each.carrier for each in made if Role(each.role).side == "carrier"} == {demo_people.CARRIER}
    assert demo_people.read(tmp_path) == made
    assert (tmp_path / demo_people.FILE).stat().st_mode & 0o777 == 0o600
    for each in made:
        async with service.database.transaction("test", ministry=True) as session:
            passed = await sign_in.first(session, service, each.username, each.password)
            assert passed is not None
            assert passed.enrolled
            code = each.code(clock.now().timestamp())
            account = await sign_in.second(session, service, passed, code)
            assert account is not None, each.username
            assert not account.must_change
            assert await sign_in.second(session, service, passed, code) is None


def test_accounts_and_fresh_codes_are_told(command, tmp_path, capsys):
    account = demo_people.Account("reviewer", "reviewer", None, "abcd-efgh-ijkl-mnop", "JBSWY3DPEHPK3PXP" * 2)
    for language in Language:
        demo_people.tell([account], "http://127.0.0.1:1", language)
        out = capsys.readouterr().out
        assert "http://127.0.0.1:1/desk/sign-in" in out
        row = next(line for line in out.splitlines() if line.split()[:1] == ["reviewer"])
        assert "abcd-efgh-ijkl-mnop" in row
        assert "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP" in row
        assert any(account.code(at) in row for at in (now() - 2, now()))
        assert terminal._WORDS[language]["password"] in out
    with pytest.raises(UsageError, match="no demo"):
        demo_people.read(tmp_path)
    code, _, err = command("codes", "--home", tmp_path)
    assert (code, "`simcheck demo` makes one" in err) == (2, True)


def now() -> float:
    return clock.now().timestamp()
