"""Days and working days, in the country's zone. One arithmetic for one moment and for millions.

Moments are microseconds since 1970 in UTC, days are days since 1970; both numbers or numpy arrays of them.
A count of days ends with its last day: what is due after five days is due when the fifth is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from simcheck.clock import LOCAL

Moments = npt.NDArray[np.int64]
Days = npt.NDArray[np.int64]

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OFFSET = LOCAL.utcoffset(None) // _MICROSECOND
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def moment_of(at: datetime) -> int:
    """A moment as a number."""
    return (at - EPOCH) // _MICROSECOND


def datetime_of(moment: int) -> datetime:
    """A number as a moment, in UTC."""
    return EPOCH + timedelta(microseconds=int(moment))


def day_of(moments: Moments) -> Days:
    """The local days on which these moments lie."""
    return (moments + _OFFSET) // DAY


def day_number(day: date) -> int:
    """A day as a number."""
    return (day - date(1970, 1, 1)).days


def at_hour(days: Days, hour: time) -> Moments:
    """The moments at which it is `hour` on these local days."""
    return days * DAY - _OFFSET + (hour.hour * 3600 + hour.minute * 60 + hour.second) * SECOND


@dataclass(frozen=True)
class Calendar:
    """Which days are worked: the weekdays of `working_week`, less the holidays. Beyond the `years` whose
    holidays are known, weekdays alone decide.
    """

    working_week: tuple[str, ...]
    holidays: frozenset[date]
    years: tuple[int, ...]
    _worked: np.busdaycalendar = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare what numpy counts by. Raises ValueError for a week without a working day."""
        mask = [day in self.working_week for day in WEEKDAYS]
        worked = np.busdaycalendar(mask, _dates(day_number(day) for day in sorted(self.holidays)))
        object.__setattr__(self, "_worked", worked)

    def due_after(self, days: Days, count: int, *, first: bool) -> Days:
        """The days after `count` whole days since `days`; with `first` these are the first of them."""
        return days + count + (0 if first else 1)

    def due_after_working(self, days: Days, count: int, *, first: bool) -> Days:
        """As `due_after`, of working days alone. With `first` the first day counts if it is worked."""
        whole, roll = (count - 1, "forward") if first else (count, "backward")
        return self._offset(days, whole, roll) + 1

    def on_working_day(self, days: Days) -> Days:
        """These days, or the next working day of each that is none."""
        return self._offset(days, 0, "forward")

    def _offset(self, days: Days, count: int, roll: str) -> Days:
        dates = np.asarray(days).astype("datetime64[D]")
        offset = np.busday_offset(dates, count, roll=roll, busdaycal=self._worked)  # type: ignore[call-overload]
        moved: Days = np.asarray(offset).astype(np.int64)
        return moved


def _dates(days: Iterable[int]) -> npt.NDArray[np.datetime64]:
    return np.fromiter(days, np.int64).astype("datetime64[D]")
