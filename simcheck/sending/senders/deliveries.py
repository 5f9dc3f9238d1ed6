"""What the other side tells us, read: delivery receipts in any form, and messages of people.

Source: SMPP 3.4, 5.2.12 (esm_class), 5.3.2 (TLVs), appendix B (the text of a receipt). Whatever cannot be
read is left out; nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from smpp34 import DeliverSm, SmppError, decode
from smpp34._smpp34 import (  # the package's stub does not name them
    TLV_MESSAGE_PAYLOAD,
    TLV_MESSAGE_STATE,
    TLV_NETWORK_ERROR_CODE,
    TLV_RECEIPTED_MESSAGE_ID,
    TLV_SAR_MSG_REF_NUM,
    TLV_SAR_SEGMENT_SEQNUM,
    TLV_SAR_TOTAL_SEGMENTS,
    TLV_USER_MESSAGE_REFERENCE,
)

from simcheck.messages.alphabets import read_gsm
from simcheck.sending.senders import pdu
from simcheck.sending.senders.pdu import HEADER, Command

_KIND, _RECEIPT, _INTERMEDIATE = 0x3C, 0x04, 0x20  # of esm_class
_UDHI = 0x40
_SAR_8, _SAR_16 = 0x00, 0x08  # information elements of concatenation (3GPP TS 23.040, 9.2.3.24)
_LATIN, _BINARY, _UCS2 = {0x01, 0x03}, {0x02, 0x04}, 0x08


class Heard(StrEnum):
    """What a receipt says, in our words."""

    ON_ITS_WAY = "on_its_way"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    NOTHING = "nothing"  # a state that nobody knows, or that says nothing


# Table 5-6 of the specification; DELETED, UNDELIVERABLE and REJECTED are one to us.
STATES = {
    1: Heard.ON_ITS_WAY, 2: Heard.DELIVERED, 3: Heard.EXPIRED, 4: Heard.FAILED, 5: Heard.FAILED,
    6: Heard.ON_ITS_WAY, 7: Heard.NOTHING, 8: Heard.FAILED,
}  # fmt: skip
WORDS = {
    "ENROUTE": Heard.ON_ITS_WAY, "DELIVRD": Heard.DELIVERED, "EXPIRED": Heard.EXPIRED,
    "DELETED": Heard.FAILED, "UNDELIV": Heard.FAILED, "ACCEPTD": Heard.ON_ITS_WAY, "UNKNOWN": Heard.NOTHING,
    "REJECTD": Heard.FAILED,
    # Spellings that are met.
    "DELIVERED": Heard.DELIVERED, "UNDELIVERABLE": Heard.FAILED, "UNDELIVERED": Heard.FAILED,
    "REJECTED": Heard.FAILED, "ACCEPTED": Heard.ON_ITS_WAY, "BUFFRED": Heard.ON_ITS_WAY,
    "BUFFERED": Heard.ON_ITS_WAY, "SCHEDULED": Heard.ON_ITS_WAY, "FAILED": Heard.FAILED,
}  # fmt: skip
_FIELD = re.compile(r"\b(id|stat|err)\s*:\s*([^\s:]+)", re.IGNORECASE)
_PLAIN = re.compile(r"\s*id:\S+ .*\bstat:\w+", re.IGNORECASE | re.DOTALL)
_ASCII = re.compile(rb"[\r\n\x20-\x7e]*")
_WORD = re.compile(r"[\w./-]{1,32}", re.ASCII)
MOST_ID = 128  # characters of an id that is kept


@dataclass(frozen=True, slots=True)
class ReceiptTold:
    """What became of a part. `smsc_id` is "" and `reference` None where it does not say which; `addresses`
    are both ends as they stand there: which one is the holder's differs.
    """

    smsc_id: str
    heard: Heard
    failure: str | None
    reference: int | None
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InboundTold:
    """A message, or part `number` of `total` with a common `reference`. `perhaps` is the receipt that it
    reads like, where nothing but its text says so: a person may write that too.
    """

    sender: str
    recipient: str
    text: str
    reference: int | None = None
    total: int = 1
    number: int = 1
    perhaps: ReceiptTold | None = None


Told = ReceiptTold | InboundTold


def read(octets: bytes) -> Told | None:
    """A deliver_sm or data_sm; None where it cannot be read at all."""
    found = _delivered(octets)
    if found is None:
        return None
    source, destination, esm_class, coding, message, tlvs = found
    message = message or tlvs.get(TLV_MESSAGE_PAYLOAD, b"")
    ends = (source, destination)
    kind = esm_class & _KIND
    if kind in {_RECEIPT, _INTERMEDIATE} or TLV_RECEIPTED_MESSAGE_ID in tlvs:
        return _receipt(_plain(message), tlvs, ends, intermediate=kind == _INTERMEDIATE)
    joined = _sar(tlvs)
    if esm_class & _UDHI and message:
        head, message = message[1 : 1 + message[0]], message[1 + message[0] :]
        joined = _concatenated(head) or joined
    text = _text(message, coding)
    perhaps = _receipt(text, tlvs, ends, intermediate=False) if _PLAIN.match(text) else None
    reference, total, number = joined or (None, 1, 1)
    return InboundTold(source, destination, text, reference, total, number, perhaps)


_Fields = tuple[str, str, int, int, bytes, dict[int, bytes]]


def _delivered(octets: bytes) -> _Fields | None:
    """Source, destination, esm_class, data_coding, message, TLVs."""
    command = HEADER.unpack_from(octets)[1]
    if command == Command.DATA_SM:
        octets = _as_deliver_sm(octets)
    try:
        read_ = decode(octets)
    except SmppError:
        return None
    if not isinstance(read_, DeliverSm):
        return None
    tlvs = {each.tag: each.value for each in read_.tlvs}
    return (
        read_.source_addr, read_.destination_addr, read_.esm_class, read_.data_coding,
        bytes(read_.short_message), tlvs,
    )  # fmt: skip


def _as_deliver_sm(octets: bytes) -> bytes:
    """A data_sm (4.7.1) with the fields of a deliver_sm that it lacks, so that one codec reads both."""
    body = octets[HEADER.size :]
    at = 0
    for ton_npi in (0, 2, 2):  # service_type, then two addresses behind their TON and NPI
        end = body.find(b"\0", at + ton_npi)
        if end < 0:
            return b""
        at = end + 1
    esm_class, registered, coding = body[at : at + 1], body[at + 1 : at + 2], body[at + 2 : at + 3]
    made = body[:at] + esm_class + b"\0\0" + b"\0\0" + registered + b"\0" + coding + b"\0\0" + body[at + 3 :]
    sequence = HEADER.unpack_from(octets)[3]
    return pdu.pdu(Command.DELIVER_SM, sequence, body=made)


def _receipt(text: str, tlvs: dict[int, bytes], ends: tuple[str, ...], *, intermediate: bool) -> ReceiptTold:
    said = {name.lower(): value for name, value in reversed(_FIELD.findall(text))}
    told_id = tlvs.get(TLV_RECEIPTED_MESSAGE_ID, b"").split(b"\0")[0].decode("ascii", "replace").strip()
    state = tlvs.get(TLV_MESSAGE_STATE, b"")
    heard = STATES.get(state[-1]) if state else None
    if heard is None or heard is Heard.NOTHING:
        heard = WORDS.get(said.get("stat", "").upper(), heard or Heard.NOTHING)
    if intermediate and heard is not Heard.NOTHING:
        heard = Heard.ON_ITS_WAY  # not the end, whatever it says (2.11)
    return ReceiptTold(
        (told_id or said.get("id", ""))[:MOST_ID], heard, _failure(said, tlvs),
        _number(tlvs.get(TLV_USER_MESSAGE_REFERENCE)), ends,
    )  # fmt: skip


def _failure(said: dict[str, str], tlvs: dict[int, bytes]) -> str | None:
    """The state as it was told and the network's code: `UNDELIV/00b`."""
    network = tlvs.get(TLV_NETWORK_ERROR_CODE, b"")
    told = [said.get("stat", ""), said.get("err", "") or network[1:3].hex()]
    words = [word for word in told if _WORD.fullmatch(word)]
    return "/".join(words) or None


def _number(value: bytes | None) -> int | None:
    return int.from_bytes(value) if value and len(value) <= 2 else None


def _sar(tlvs: dict[int, bytes]) -> tuple[int, int, int] | None:
    """Concatenation by the SAR parameters (5.3.2.22-24)."""
    reference, total, number = (
        _number(tlvs.get(tag))
        for tag in (TLV_SAR_MSG_REF_NUM, TLV_SAR_TOTAL_SEGMENTS, TLV_SAR_SEGMENT_SEQNUM)
    )
    if reference is None or not total or not number or not 1 <= number <= total <= 255 or total == 1:
        return None
    return reference, total, number


def _concatenated(head: bytes) -> tuple[int, int, int] | None:
    """Concatenation by the user data header: reference, total, number."""
    at = 0
    while at + 2 <= len(head):
        element, length = head[at], head[at + 1]
        value = head[at + 2 : at + 2 + length]
        width = {_SAR_8: 1, _SAR_16: 2}.get(element)
        if width is not None and len(value) == width + 2:
            total, number = value[width], value[width + 1]
            return (int.from_bytes(value[:width]), total, number) if 1 <= number <= total > 1 else None
        at += 2 + length
    return None


def _plain(message: bytes) -> str:
    """A receipt's text; it is ASCII, but for those who put it into UTF-16."""
    return message.replace(b"\0", b"").decode("latin-1")


def _text(message: bytes, coding: int) -> str:
    """A person's text. With a message class (3GPP TS 23.038, section 4) the alphabet stands in two bits.

    Where no coding is told, the default alphabet is meant, or ASCII: many convert it. They differ in letters
    that nobody writes in Vietnamese, and in the underscore.
    """
    if coding & 0xF0 == 0xF0:
        coding = _UCS2 if coding & 0x0C == 0x08 else (0x04 if coding & 0x04 else 0x00)
    elif coding & 0xC0 == 0x00 and coding & 0x10:
        coding = _UCS2 if coding & 0x0C == 0x08 else (0x04 if coding & 0x0C == 0x04 else 0x00)
    if coding == _UCS2:
        return message[: len(message) // 2 * 2].decode("utf-16-be", "replace")
    if coding in _LATIN or coding in _BINARY:
        return message.decode("latin-1")
    if _ASCII.fullmatch(message):
        return message.decode("ascii")
    try:
        return read_gsm(message)
    except ValueError:
        return message.decode("latin-1")
