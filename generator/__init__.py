"""Countries that do not exist, to try simcheck on: a register, carriers' files, and the right answers.

    names.toml, provinces.toml, numbering.toml   what people, places and numbers are like
    errors.toml                                  what goes wrong, how often, and the right verdict
    people.py, names.py                          citizens, block by block
    sims.py                                      who holds which number at which carrier
    rows.py                                      a block of subscriptions, with what goes wrong
    corrupt_names.py, corrupt_dates.py, corrupt_numbers.py, spelling.py, encodings.py
                                                 how a cell goes wrong; nothing of simcheck's own reading
    truth.py                                     the right answer for every row
    files.py                                     written in each carrier's own format

Nobody in it is a real person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Literal

from carriers import registry
from carriers.profile import Profile
from generator import sims
from generator.country import Carrier, Country
from generator.errors import LEAST_CLEAN, Rates, scale_for
from generator.files import Files, Manifest, Progress, aside, save
from generator.people import MOST_CITIZENS
from simcheck.errors import UsageError
from simcheck.records import DECLARED_COLUMNS

AS_OF = date(2026, 7, 1)
MOST_IN_A_BLOCK = 1_000_000  # subscriptions: what two gigabytes have room for
_READS_LATIN = frozenset(
    f"name.{kind}"
    for kind in (
        "eth", "african_d", "zero_width", "apostrophe_curly", "apostrophe_modifier", "tcvn3", "vni",
        "viscii", "cp1258", "utf8_as_1252", "utf8_as_latin1", "replacement_marks",
    )
)  # fmt: skip
_FIXED = frozenset({"dob.compact", "dob.with_time"})  # too wide, or read the other way about
_TWO_CARRIERS = frozenset({"copy.claimed_same_person", "copy.claimed_other_person"})
_BROKEN_LINES = frozenset({"row.malformed"})

__all__ = ["AS_OF", "Manifest", "generate"]


def generate(
    citizens: int,
    subscriptions: int,
    seed: int,
    out: Path,
    *,
    carriers: Sequence[str] | None = None,
    formats: Literal["own", "parquet"] = "own",
    clean_share: float | None = None,
    as_of: date = AS_OF,
    progress: Progress | None = None,
) -> Manifest:
    """Make a country of so many citizens and subscriptions in the folder `out`.

    The same arguments give the same bytes. Writes `citizens.parquet` (public contract, section 1), a file a
    carrier, `truth.parquet` and `manifest.json`. `truth.parquet` has for each row of each file: `carrier`,
    `file`, `row` (1 = first data row), `citizen` (the row of `citizens.parquet` that the ID leads to, 1 =
    first, or null), `kinds` (of `errors.toml`), `verdict`, `reasons`, `optional` (reasons of which it is open
    whether they apply), `strict` (false where the verdict is debatable).

    `carriers`: codes; by default all that have a market share. `formats="parquet"`: every file is Parquet in
    the generic shape. `clean_share`: the share of rows, 0.6 to 1, in which nothing went wrong on the
    carrier's side (about 0.8 by default). `as_of`: the day on which ages count; check with the same.
    `progress(done, total)` counts rows; a row that is first made, then written, counts twice.

    Raises UsageError for arguments that cannot be used together and OutputError when `out` cannot be
    written; nothing is left behind then.
    """
    codes = list(carriers) if carriers is not None else list(sims.raw()["share"])
    _check(citizens, subscriptions, seed, codes, clean_share)
    profiles = {code: registry.adapter(code).profile for code in codes} if formats == "own" else {}
    parts = tuple(_carrier(code, profiles.get(code)) for code in codes)
    alone = _TWO_CARRIERS if len(codes) == 1 else frozenset[str]()
    rates = Rates(codes, scale_for(clean_share), [part.barred | alone for part in parts])
    country = Country(citizens, subscriptions, seed, as_of, parts, rates)
    sims.plan(subscriptions)
    with aside(out) as folder:
        manifest = Files(country, folder, profiles, progress).write()
        save(manifest, folder / "manifest.json")
    return manifest


def _check(citizens: int, subscriptions: int, seed: int, codes: list[str], clean_share: float | None) -> None:
    if not 1 <= citizens <= MOST_CITIZENS:
        raise UsageError(f"The number of citizens must be from 1 to {MOST_CITIZENS}")
    if subscriptions < 0:
        raise UsageError("The number of subscriptions must not be negative")
    if seed < 0:
        raise UsageError("The seed must not be negative")
    if not codes or len(set(codes)) < len(codes):
        raise UsageError("Name at least one carrier, and none twice")
    if clean_share is not None and not LEAST_CLEAN <= clean_share <= 1:
        raise UsageError(f"The clean share must be from {LEAST_CLEAN} to 1")
    if sims.share_of_block(subscriptions, citizens, 0)[1] > MOST_IN_A_BLOCK:
        raise UsageError("There are too many subscriptions for so few citizens. Generate more citizens")


def _carrier(code: str, profile: Profile | None) -> Carrier:
    if profile is None:
        return Carrier(code, f"{code}.parquet", frozenset(DECLARED_COLUMNS), False, _BROKEN_LINES, False)
    barred = frozenset[str]()
    if profile.format != "csv":
        barred |= _BROKEN_LINES
    if profile.format == "fixed":
        barred |= _FIXED
    narrow = not profile.encodings[0].startswith("utf")
    if narrow:
        barred |= _READS_LATIN
    loses_zeros = profile.format == "workbook" and "id_number" in profile.numbers
    return Carrier(
        code, code + profile.extensions[0], frozenset(profile.columns), loses_zeros, barred, narrow
    )
