from __future__ import annotations

import datetime
import uuid

import pytest

from jobs.replies import answer_all
from simcheck import clock
from simcheck.cases import codes
from simcheck.helpdesk import numbers
from simcheck.holders.models import Confirmation
from simcheck.replies import handle
from simcheck.sending import inbound
from simcheck.sending.senders.deliveries import InboundTold
from tests import holding
from tests.building import row
from tests.holding import AN, BINH, CHI, case_of, national, sent, state_of, wrong_name
from tests.running import NOON, a_file

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)


@pytest.fixture
def say(service, owner, keyring):
    """`await say(1, "TTTB")`: what number 1 is answered to a text message (None: nothing)."""

    async def say(number, text, at=NOON, sender=None):
        told = InboundTold(sender or f"84{national(number)}", "1414", text)
        before = {each.key for each in sent(owner, keyring)}
        with clock.fixed(at):
            async with service.database.transaction("job", ministry=True) as session:
                await inbound.store(session, keyring, [inbound.came(keyring, "a", "a", told)])
            owner.execute("UPDATE inbound SET acknowledged = true")
            await answer_all(service)
        assert owner.execute("SELECT count(*) FROM inbound WHERE state = 'new'").fetchone() == (0,)
        new = [each for each in sent(owner, keyring) if each.key not in before and each.kind == "reply"]
        assert all(each.address == f"84{national(number)}" for each in new)
        assert len(new) <= 1
        return new[0].text if new else None

    return say


@pytest.fixture
async def country(service, tmp_path):
    """Number 1 has a wrong name, 2 is An's, 3 is Bình's with a passport's word, 4 two carriers declare."""
    with clock.fixed(NOON):
        rows = [wrong_name(1), row(2, AN), row(3, BINH, id_type="passport"), row(4, AN)]
        await holding.a_country(service, tmp_path, rows)
        await a_file(service, "itel", [row(4, CHI)])
        await holding.checked(service)


async def test_what_is_registered(owner, keyring, country, say):
    code = codes.shown(case_of(owner, keyring, 1)[1])
    assert await say(1, "TTTB") == (
        "So +84******001 (viettel): ten N. H. S., giay to *********002, nam sinh 1988. "
        f"Can sua: ho ten chua khop giay to. Ma ho so {code}."
    )
    assert await say(2, "tttb ạ") is not None  # help
    assert await say(2, "TTTB") == (
        "So +84******002 (viettel): ten T. V. A., giay to *********001, nam sinh 1990. Thong tin da khop."
    )
    assert (await say(3, "tttb")).startswith("Number +84******003 (viettel): name L. T. B., ID *********002")
    both = await say(4, "TTTB")
    assert "(itel)" in both
    assert "(viettel)" in both
    assert await say(9, "Tttb") == "Khong co thong tin dang ky cua so nay."


async def test_whether_an_id_agrees(service, owner, country, say):
    yes, no = "So +84******001 duoc dang ky bang", "So +84******001 khong duoc dang ky bang"
    assert (await say(1, f"tttb_{BINH.id_number}")).startswith(yes)
    assert (await say(1, f"TTTB {AN.id_number}")).startswith(no)
    for text in ("TTTB 12345", f"TTTB {BINH.id_number}1", "TTTB 0000"):
        assert "12 hoac 9 chu so" in await say(1, text)
    assert "Khong co" in await say(9, f"TTTB {AN.id_number}")


async def test_ids_cannot_be_tried_out(service, owner, country, say):
    """Ten wrong ones a day, then not even the right one is told; and no one-time code's question is
    touched."""
    guesses = service.settings.number_guesses
    for each in range(guesses):
        at = NOON + datetime.timedelta(seconds=each)
        assert "khong duoc dang ky" in await say(1, f"TTTB 0010900{each:05}", at)
    assert "nhieu lan" in await say(1, f"TTTB {BINH.id_number}", NOON + datetime.timedelta(minutes=1))
    assert "duoc dang ky" in await say(1, f"TTTB {BINH.id_number}", NOON + DAY)
    keys = owner.execute("SELECT key FROM rate_bucket").fetchall()
    gate = handle.limits.Limit("guesses-number", 1, 1)
    token = service.keyring.token("msisdn", national(1)).hex()
    assert (handle.limits.key_of(gate, token),) not in keys


async def test_yes_and_no(service, owner, keyring, country, say):
    case_id, code = case_of(owner, keyring, 1)
    assert await say(1, "Đúng") == (
        "Đã ghi: số +84******001 là của bạn. Cần sửa: họ tên chưa khớp giấy tờ. "
        f"Mã hồ sơ {codes.shown(code)}."
    )
    assert await say(2, "DUNG") == "Da ghi: so +84******002 la cua ban. Thong tin da khop."
    assert sorted(each.means for each in await holding.all_of(service, Confirmation)) == ["sms", "sms"]
    assert state_of(owner, case_id)[0] == "with_holder"
    assert (await say(1, "KHÔNG")).startswith("Đã ghi: đăng ký của số +84******001 không phải của bạn.")
    assert (await say(1, "KO")).startswith("Da ghi")
    assert state_of(owner, case_id)[0] == "disowned"
    assert (await say(1, "TTTB")).endswith(f"Ho so {codes.shown(code)} dang duoc xu ly.")
    assert (await say(2, "KHONG")).startswith("Da ghi")
    assert state_of(owner, case_of(owner, keyring, 2)[0])[0] == "disowned"
    assert "Khong co" in await say(9, "KHONG")
    by = owner.execute("SELECT DISTINCT split_part(actor, '/', 1) FROM case_event WHERE move = 'disowned'")
    assert by.fetchall() == [("holder:sms",)]


async def test_a_question_by_sms(service, owner, keyring, country, say):
    said = await say(1, "Hỏi: tôi cần mang gì?")
    assert "25/11/2026" in said
    [(number, about, proved)] = owner.execute("SELECT number, about, proved FROM question").fetchall()
    assert numbers.shown(number) in said
    assert (about, proved) == ("viettel", True)
    for each in range(service.settings.questions_a_day - 1):
        await say(1, f"hoi lan {each}")
    assert "nhieu lan" in await say(1, "hoi nua")
    assert "Soạn" in await say(2, "hỏi " + "x" * 3000)


async def test_a_flood_is_answered_only_so_often(service, owner, country, say):
    assert [bool(await say(1, f"xin chao {each}")) for each in range(3)] == [True, False, False]
    assert "Soạn" in await say(1, "xin chào", NOON + datetime.timedelta(hours=1))
    answered = [await say(2, "TTTB", NOON + datetime.timedelta(seconds=each)) for each in range(25)]
    assert [bool(each) for each in answered] == [True] * 20 + [False] * 5
    assert await say(2, "TTTB", NOON + DAY)


async def test_machines_and_old_messages_are_not_answered(service, owner, keyring, country, say):
    assert await say(1, "TTTB", sender="VIETTEL") is None
    assert await say(1, "TTTB", sender="9123") is None
    told = InboundTold(f"84{national(1)}", "1414", "KHONG")
    with clock.fixed(NOON):
        async with service.database.transaction("job", ministry=True) as session:
            await inbound.store(session, keyring, [inbound.came(keyring, "a", "a", told)])
    with clock.fixed(NOON + 2 * DAY):
        await answer_all(service)
    assert state_of(owner, case_of(owner, keyring, 1)[0])[0] == "with_holder"
    assert owner.execute("SELECT count(*) FROM inbound WHERE state = 'new'").fetchone() == (0,)


async def test_one_that_cannot_be_done_holds_up_no_other(service, owner, keyring, country):
    move = "UPDATE subscription SET batch_id = %s WHERE row = 1 AND carrier = 'viettel'"
    told = [InboundTold(f"84{national(number)}", "1414", "TTTB") for number in (1, 2)]
    with clock.fixed(NOON):
        async with service.database.transaction("job", ministry=True) as session:
            await inbound.store(session, keyring, [inbound.came(keyring, "a", "a", each) for each in told])
        right = owner.execute(
            "SELECT batch_id FROM subscription WHERE row = 1 AND carrier = 'viettel'"
        ).fetchone()
        owner.execute(move, [uuid.uuid4()])
        await answer_all(service)
        assert [each.address for each in sent(owner, keyring)] == [f"84{national(2)}"]
        assert owner.execute("SELECT count(*) FROM inbound WHERE state = 'new'").fetchone() == (1,)
        owner.execute(move, right)
        await answer_all(service)
        await answer_all(service)
    assert sorted(each.address for each in sent(owner, keyring)) == [
        f"84{national(number)}" for number in (1, 2)
    ]
    acts = owner.execute("SELECT detail ->> 'command' FROM audit WHERE act = 'reply.handled'").fetchall()
    assert acts == [("record",), ("record",)]
