from __future__ import annotations

import smpp34
from hypothesis import given
from hypothesis import strategies as st

from simcheck.sending.senders import pdu
from simcheck.sending.senders.deliveries import Heard, InboundTold, ReceiptTold, read

FORM = "id:{} sub:001 dlvrd:001 submit date:2611250400 done date:2611250401 stat:{} err:000 text:Thong tin"


def deliver(text: bytes = b"", esm_class: int = 0, coding: int = 0, **tlvs: bytes) -> bytes:
    return smpp34.DeliverSm(
        "84901234567", "1414", text, esm_class=esm_class, data_coding=coding, sequence_number=1,
        tlvs=[smpp34.Tlv(int(tag[1:], 16), value) for tag, value in tlvs.items()],
    ).encode()  # fmt: skip


def heard(octets: bytes) -> tuple[str, Heard]:
    told = read(octets)
    assert isinstance(told, ReceiptTold)
    return told.smsc_id, told.heard


def test_the_text_of_a_receipt():
    assert heard(deliver(FORM.format("0A1b", "DELIVRD").encode(), 4)) == ("0A1b", Heard.DELIVERED)
    assert heard(deliver(FORM.format("7", "UNDELIV").encode(), 4)) == ("7", Heard.FAILED)
    assert heard(deliver(b"ID:7 STAT:expired ERR:00b", 4)) == ("7", Heard.EXPIRED)
    told = read(deliver(b"id:7 stat:UNDELIV err:00b", 4))
    assert told.failure == "UNDELIV/00b"
    assert told.addresses == ("84901234567", "1414")


def test_the_tlvs_of_a_receipt():
    assert heard(deliver(b"", 4, x001e=b"abc\0", x0427=b"\2")) == ("abc", Heard.DELIVERED)
    assert heard(deliver(b"", 0, x001e=b"abc", x0427=b"\3")) == ("abc", Heard.EXPIRED)
    assert heard(deliver(FORM.format("1", "DELIVRD").encode(), 4, x001e=b"2\0")) == ("2", Heard.DELIVERED)
    assert read(deliver(b"id:1 stat:DELIVRD", 4, x0204=b"\1\2")).reference == 0x0102
    assert heard(deliver(b"", 4, x0424=FORM.format("9", "REJECTD").encode())) == ("9", Heard.FAILED)


def test_states_that_nobody_knows():
    for stat in ("SKIPPED", "", "¿?", "DELIVRDX"):
        assert heard(deliver(f"id:1 stat:{stat}".encode(), 4)) == ("1", Heard.NOTHING)
    assert heard(deliver(b"id:1", 4, x0427=b"\x63")) == ("1", Heard.NOTHING)
    assert heard(deliver(b"", 4)) == ("", Heard.NOTHING)
    assert heard(deliver(b"id:1 stat:UNKNOWN", 4, x0427=b"\7")) == ("1", Heard.NOTHING)


def test_what_is_not_the_end():
    assert heard(deliver(b"id:1 stat:ENROUTE", 4)) == ("1", Heard.ON_ITS_WAY)
    assert heard(deliver(b"id:1 stat:UNDELIV", 0x20)) == ("1", Heard.ON_ITS_WAY)


def test_a_person_may_write_what_reads_like_a_receipt():
    told = read(deliver(FORM.format("1", "DELIVRD").encode()))
    assert isinstance(told, InboundTold)
    assert told.perhaps.smsc_id == "1"
    assert read(deliver(b"TTTB id 1 stat")).perhaps is None


def test_alphabets():
    vietnamese = "ĐÚNG, số này của tôi 👍"
    assert read(deliver(vietnamese.encode("utf-16-be"), coding=8)).text == vietnamese
    assert read(deliver("à_@".encode("latin-1"), coding=3)).text == "à_@"
    assert read(deliver(b"TTTB_012345678901")).text == "TTTB_012345678901"
    assert read(deliver(b"\x00 \x04\x11")).text == "@ è_"  # the default alphabet
    assert read(deliver(b"caf\xe9")).text == "café"
    assert read(deliver("số".encode("utf-16-be"), coding=0x19)).text == "số"
    assert read(deliver(b"KHONG", coding=0xF1)).text == "KHONG"
    assert read(deliver("số".encode("utf-16-be") + b"\0", coding=8)).text == "số"


def test_concatenation_by_header_and_by_tlvs():
    told = read(deliver(b"\5\0\3\x2a\2\1HOI ", 0x40))
    assert (told.text, told.reference, told.total, told.number) == ("HOI ", 0x2A, 2, 1)
    told = read(deliver(b"\6\x08\4\1\2\3\2HOI", 0x40))
    assert (told.reference, told.total, told.number) == (0x0102, 3, 2)
    told = read(deliver(b"HOI", x020c=b"\1\2", x020e=b"\3", x020f=b"\1"))
    assert (told.reference, told.total, told.number) == (0x0102, 3, 1)
    for head in (b"\5\0\3\1\0\0", b"\5\0\3\1\2\3", b"\x09\0\3\1\2\1", b"\xff"):
        assert read(deliver(head + b"x", 0x40)).total in {1, 2}


def test_a_data_sm_is_read_as_well():
    body = b"\0\1\0011234567890\0\1\1001414\0".replace(b"\1\1001", b"\1\1001") + bytes([4, 1, 0])
    body += b"\x00\x1e\x00\x03ab\0" + b"\x04\x27\x00\x01\x02"
    assert heard(pdu.pdu(pdu.Command.DATA_SM, 1, body=body)) == ("ab", Heard.DELIVERED)
    assert read(pdu.pdu(pdu.Command.DATA_SM, 1, body=b"\1\2")) is None


@given(st.binary(max_size=300), st.sampled_from([0, 4, 0x20, 0x40, 0x44, 0xFF]), st.integers(0, 255))
def test_whatever_comes_nothing_breaks(body, esm_class, coding):
    read(pdu.pdu(pdu.Command.DELIVER_SM, 1, body=body))
    read(pdu.pdu(pdu.Command.DATA_SM, 1, body=body))
    read(deliver(body[:254], esm_class, coding))
