"""PDUs of SMPP 3.4 as octets, and what their status means.

Source: SMPP Protocol Specification v3.4, issue 1.2. submit_sm and deliver_sm go through smpp34's codec;
here are headers, binds and answers, which it leaves raw.
"""

from __future__ import annotations

import struct
from enum import IntEnum, StrEnum

HEADER = struct.Struct(">IIII")
LONGEST = 1 << 16  # octets of a PDU that we read: a message_payload, and room
RESPONSE = 0x80000000  # the bit of an answer's command
INTERFACE_VERSION = 0x34


class Command(IntEnum):
    """Commands that we send or read (5.1.2.1)."""

    BIND_RECEIVER = 0x1
    BIND_TRANSMITTER = 0x2
    SUBMIT_SM = 0x4
    DELIVER_SM = 0x5
    UNBIND = 0x6
    BIND_TRANSCEIVER = 0x9
    OUTBIND = 0xB
    ENQUIRE_LINK = 0x15
    ALERT_NOTIFICATION = 0x102
    DATA_SM = 0x103
    GENERIC_NACK = 0x80000000


class Bind(StrEnum):
    """What a link may do."""

    TRANSMITTER = "transmitter"
    RECEIVER = "receiver"
    TRANSCEIVER = "transceiver"


BINDS = {
    Bind.TRANSMITTER: Command.BIND_TRANSMITTER,
    Bind.RECEIVER: Command.BIND_RECEIVER,
    Bind.TRANSCEIVER: Command.BIND_TRANSCEIVER,
}

OK = 0x0
INVALID_LENGTH, INVALID_COMMAND = 0x02, 0x03
WRONG_BIND_STATE, ALREADY_BOUND = 0x04, 0x05
QUEUE_FULL, THROTTLED = 0x14, 0x58
TEMPORARY, PERMANENT = 0x64, 0x65  # ESME_RX_T_APPN, ESME_RX_P_APPN: what we answer

# The other side wants fewer, on the whole link.
SLOWER = {QUEUE_FULL: "ESME_RMSGQFUL", THROTTLED: "ESME_RTHROTTLED"}
# The link is not what we think it is: the part surely was not looked at.
NOT_BOUND = {WRONG_BIND_STATE: "ESME_RINVBNDSTS", 0x0D: "ESME_RBINDFAIL"}
# What is wrong with this message, and will be so the next time.
REFUSED = {
    0x01: "ESME_RINVMSGLEN", 0x06: "ESME_RINVPRTFLG", 0x07: "ESME_RINVREGDLVFLG", 0x0A: "ESME_RINVSRCADR",
    0x0B: "ESME_RINVDSTADR", 0x0C: "ESME_RINVMSGID", 0x15: "ESME_RINVSERTYP", 0x33: "ESME_RINVNUMDESTS",
    0x34: "ESME_RINVDLNAME", 0x40: "ESME_RINVDESTFLAG", 0x42: "ESME_RINVSUBREP", 0x43: "ESME_RINVESMCLASS",
    0x48: "ESME_RINVSRCTON", 0x49: "ESME_RINVSRCNPI", 0x50: "ESME_RINVDSTTON", 0x51: "ESME_RINVDSTNPI",
    0x53: "ESME_RINVSYSTYP", 0x54: "ESME_RINVREPFLAG", 0x61: "ESME_RINVSCHED", 0x62: "ESME_RINVEXPIRY",
    0x63: "ESME_RINVDFTMSGID", 0x65: "ESME_RX_P_APPN", 0x66: "ESME_RX_R_APPN", 0xC0: "ESME_RINVOPTPARSTREAM",
    0xC1: "ESME_ROPTPARNOTALLWD", 0xC2: "ESME_RINVPARLEN", 0xC3: "ESME_RMISSINGOPTPARAM",
    0xC4: "ESME_RINVOPTPARAMVAL",
}  # fmt: skip
_NAMES = {
    **SLOWER, **NOT_BOUND, **REFUSED, 0x02: "ESME_RINVCMDLEN", 0x03: "ESME_RINVCMDID", 0x05: "ESME_RALYBND",
    0x08: "ESME_RSYSERR", 0x0E: "ESME_RINVPASWD", 0x0F: "ESME_RINVSYSID", 0x45: "ESME_RSUBMITFAIL",
    0x64: "ESME_RX_T_APPN", 0xFE: "ESME_RDELIVERYFAILURE", 0xFF: "ESME_RUNKNOWNERR",
}  # fmt: skip


def status_name(status: int) -> str:
    """The specification's name of a status; `0x00000400` for one that it does not know."""
    return _NAMES.get(status, f"0x{status:08X}")


def pdu(command: int, sequence: int, status: int = OK, body: bytes = b"") -> bytes:
    """A whole PDU."""
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def bind(kind: Bind, sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """A bind (4.1): for messages to any address."""
    words = b"".join(word.encode("ascii") + b"\0" for word in (system_id, password, system_type))
    return pdu(BINDS[kind], sequence, body=words + bytes([INTERFACE_VERSION, 0, 0]) + b"\0")


def c_string(body: bytes) -> str:
    """The C-octet string that a body begins with, whatever stands in it; "" for an empty body."""
    return body.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
