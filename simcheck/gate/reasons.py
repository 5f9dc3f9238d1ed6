"""Why an OTP question is answered no: one table. Codes are stable for ever; new ones go at the end."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """A reason code; its value is its bit in the mask that the question log keeps."""

    MSISDN_INVALID = 0
    ID_INVALID = 1
    NOT_THIS_PERSON = 2
    NOT_VERIFIED = 3
    NOT_ACTIVE = 4
    CLAIMED_TWICE = 5
    UNDER_ORDER = 6
    SIM_CHANGED = 7
    DEVICE_CHANGED = 8
    REGISTER_TOO_OLD = 9
    RECHECK_OVERDUE = 10
    CARRIER_DATA_TOO_OLD = 11
    TOO_MANY_GUESSES = 12
    NO_REGISTER = 13
    CONTESTED = 14

    @property
    def mask(self) -> int:
        """The mask of this reason alone."""
        return 1 << self.value


# What a relying service shows to whoever asks why: Vietnamese, English. NOT_THIS_PERSON is one answer to two
# facts, that nobody has the number and that somebody else has it: which one is nobody's business.
WORDS: dict[Reason, tuple[str, str]] = {
    Reason.MSISDN_INVALID: ("Số thuê bao không hợp lệ.", "This is not a Vietnamese mobile number."),
    Reason.ID_INVALID: (
        "Số giấy tờ không hợp lệ.", "This is neither a personal identification number nor a CMND number."),
    Reason.NOT_THIS_PERSON: (
        "Số thuê bao không đứng tên người này.", "The number is not subscribed in this person's name."),
    Reason.NOT_VERIFIED: (
        "Thông tin thuê bao chưa khớp cơ sở dữ liệu dân cư. Liên hệ nhà mạng để cập nhật.",
        "The subscription's record is not verified against the citizen register. The carrier can mend it."),
    Reason.NOT_ACTIVE: ("Thuê bao không hoạt động.", "The subscription is not active."),
    Reason.CLAIMED_TWICE: (
        "Nhiều nhà mạng cùng khai báo số này.", "More than one carrier claims to serve the number."),
    Reason.UNDER_ORDER: (
        "Thuê bao đang bị yêu cầu hạn chế.", "An order to restrict the subscription is in force."),
    Reason.SIM_CHANGED: ("SIM mới được đổi gần đây.", "The SIM was changed a short while ago."),
    Reason.DEVICE_CHANGED: ("Thiết bị mới được đổi gần đây.", "The handset was changed a short while ago."),
    Reason.REGISTER_TOO_OLD: (
        "Dữ liệu dân cư đã cũ.", "The register that the subscription was checked against is too old."),
    Reason.RECHECK_OVERDUE: (
        "Thuê bao chưa được kiểm tra lại.",
        "The subscription was not checked against the current register yet."),
    Reason.CARRIER_DATA_TOO_OLD: ("Dữ liệu nhà mạng đã cũ.", "The carrier's last file is too old."),
    Reason.TOO_MANY_GUESSES: (
        "Quá nhiều lần hỏi sai.", "Too many wrong ID numbers were asked of this number, or by this client."),
    Reason.CONTESTED: (
        "Có người không nhận hoặc đang tranh chấp số này.",
        "Its person has disowned the number, or two people claim it."),
    Reason.NO_REGISTER: ("Chưa có dữ liệu dân cư.", "There is no citizen register yet."),
}  # fmt: skip


def codes(mask: int) -> list[str]:
    """The codes of a mask, in the table's order."""
    return [reason.name for reason in Reason if mask & reason.mask] if mask else []
