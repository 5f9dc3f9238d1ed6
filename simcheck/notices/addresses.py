"""Where people can be reached, as their carriers declared it: out of the lake, in columns, by bucket."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from simcheck import log
from simcheck.crosscheck.places import DECLARED
from simcheck.errors import SealError
from simcheck.lake.buckets import file_of
from simcheck.lake.encryption import Dataset, unsealing
from simcheck.lake.files import Store
from simcheck.lake.tokens import tokens_of_numbers
from simcheck.normalise import phones
from simcheck.normalise.statuses import Status, status_of
from simcheck.notices.policy import Policy
from simcheck.privacy import Keyring
from simcheck.records import ROW

COLUMNS = ("msisdn", "contact_msisdn", "email", "id_type", "status")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,24}")


class Place(NamedTuple):
    """A subscription, and where in the lake its declared record is."""

    carrier: str
    msisdn_token: bytes
    batch_id: uuid.UUID
    bucket: int
    row: int


class Reach(NamedTuple):
    """How somebody can be reached. Numbers are national significant numbers, 0 where there is none.

    `receives`: the number itself takes messages. `passport`: they registered with one.
    """

    number: int
    receives: bool
    contact: int
    email: str | None
    passport: bool


NOWHERE = Reach(0, False, 0, None, False)


def reaches(store: Store, keyring: Keyring, policy: Policy, places: Sequence[Place]) -> list[Reach]:
    """How each can be reached, in the order given; `NOWHERE` where the lake does not have the very record."""
    found = [NOWHERE] * len(places)
    at: dict[tuple[str, uuid.UUID, int], list[int]] = {}
    for number, place in enumerate(places):
        at.setdefault((place.carrier, place.batch_id, place.bucket), []).append(number)
    for (carrier, batch_id, bucket), numbers in at.items():
        wanted = np.array([places[number].row for number in numbers], np.int64)
        try:
            dataset = Dataset.open(store, keyring, f"{DECLARED}/{carrier}/{batch_id}")
            cells, had = _cells(dataset, bucket, wanted)
        except SealError as error:
            log.logger().error("declared records not read", carrier=carrier, batch=batch_id, exc_info=error)
            continue
        owners = [places[numbers[each]].msisdn_token for each in had]
        for each, reach in zip(had, _read(keyring, policy, cells, owners), strict=True):
            found[numbers[each]] = reach
    return found


def _cells(dataset: Dataset, bucket: int, wanted: npt.NDArray[np.int64]) -> tuple[pa.Table, list[int]]:
    """The cells of those rows that there are, and which of `wanted` they are. Decodes no other row group."""
    order = np.argsort(wanted, kind="stable")
    rows = wanted[order]
    parts: list[pa.Table] = []
    had: list[int] = []
    file = dataset.parquet(file_of(DECLARED, bucket))
    try:
        with unsealing(dataset.name):
            for group in range(file.num_row_groups):
                numbers = file.read_row_group(group, columns=[ROW], use_threads=False)[ROW].to_numpy()
                low = int(np.searchsorted(rows, numbers[0], "left"))
                mine = rows[low : int(np.searchsorted(rows, numbers[-1], "right"))]
                places = np.searchsorted(numbers, mine)
                right = np.flatnonzero(numbers[np.minimum(places, len(numbers) - 1)] == mine)
                if len(right):
                    table = file.read_row_group(group, columns=list(COLUMNS), use_threads=False)
                    parts.append(table.take(places[right]))
                    had += order[low + right].tolist()
    finally:
        file.close(force=True)
    schema = pa.schema([pa.field(name, pa.string()) for name in COLUMNS])
    return pa.concat_tables([part.select(COLUMNS) for part in parts]) if parts else schema.empty_table(), had


def _read(keyring: Keyring, policy: Policy, cells: pa.Table, owners: Sequence[bytes]) -> list[Reach]:
    number = phones.normalise(cells["msisdn"]).national
    contact = phones.normalise(cells["contact_msisdn"]).national
    tokens = tokens_of_numbers(keyring, "msisdn", number).to_pylist()
    words = zip(
        number.tolist(), contact.tolist(), tokens, owners, *(cells[name].to_pylist() for name in COLUMNS[2:]),
        strict=True,
    )  # fmt: skip
    return [
        Reach(
            own, _receives(policy, status or ""), other if other != own else 0, _mail(email),
            (id_type or "").strip().lower() == "passport",
        )
        if token == owner
        else NOWHERE
        for own, other, token, owner, email, id_type, status in words
    ]  # fmt: skip


def _receives(policy: Policy, word: str) -> bool:
    status = status_of(word)
    return status is Status.ACTIVE or (status is Status.LIMITED and policy.receives(word))


def _mail(cell: str | None) -> str | None:
    plain = (cell or "").strip()
    return plain if _EMAIL.fullmatch(plain) else None
