"""What the address of a page of the country asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simcheck.desks.country.reader import SmallGroupError
from simcheck.errors import InvalidError
from simcheck.normalise import provinces

DAYS = (60, 180, 365)
UNKNOWN = "?"  # in an address: of no province that is known. An empty field of a form asks for all.


@dataclass(frozen=True)
class Asked:
    """The part of the country, and how many days of its past. None: all of it; province "": of none that
    is known.
    """

    carrier: str | None = None
    province: str | None = None
    days: int = DAYS[0]
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_part(self) -> bool:
        """Whether a part alone is asked for."""
        return self.carrier is not None or self.province is not None


def read(query: Mapping[str, str], carriers: list[str], *, parts: bool) -> Asked:
    """What is asked for. Without `parts`, only the whole country may be. Raises `InvalidError`, and
    `SmallGroupError` for a part.
    """
    carrier, province = query.get("carrier") or None, query.get("province") or None
    days = query.get("days") or str(DAYS[0])
    if days not in {str(each) for each in DAYS}:
        raise InvalidError(f"Choose {', '.join(map(str, DAYS))} days.")
    if carrier is not None and carrier not in carriers:
        raise InvalidError("There is no such carrier.")
    if province not in {None, UNKNOWN, *provinces.names()}:
        raise InvalidError("There is no such province.")
    if not parts and (carrier or province):
        raise SmallGroupError("Parts of the country are not for this reader.")
    written = {"carrier": carrier, "province": province, "days": days}
    return Asked(
        carrier, "" if province == UNKNOWN else province, int(days),
        {name: value for name, value in written.items() if value is not None},
    )  # fmt: skip
