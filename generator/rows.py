"""One block of subscriptions: what each row shows, and the rows as their carriers write them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from generator import corrupt_dates, corrupt_names, corrupt_numbers, errors, people, sims, spelling, text
from generator.chance import Flags, Floats, Ints, pick, stream
from generator.corrupt_dates import Dates
from generator.corrupt_numbers import Documents
from generator.country import Country
from generator.errors import NONE, PARTS, kinds, number
from generator.names import stock
from generator.people import DAY, Citizens
from simcheck.reasons import Verdict
from simcheck.records import DECLARED_COLUMNS

FACE_CHECKS_FROM = np.datetime64("2025-01-01", "D").astype(np.int64)
OLDEST_SIM = np.datetime64("2005-01-01", "D").astype(np.int64)
_EMAIL_DOMAINS = ("@mail.example.vn", "@thu.example.vn", "@post.example.vn")


@dataclass
class Rows:
    """The subscriptions of one block. Every array has one entry a row; people are indices into the block."""

    holder: Ints  # whose ID number it is
    named: Ints  # whose name, sex and birth date it is
    number: Ints
    carrier: Ints
    shown: dict[str, Ints]  # for each part of `PARTS`, the kind that shows, or NONE
    said_id: Ints  # the 12 digits that the ID cell says, or -1
    said_date: Dates
    said_man: Ints  # 1, 0, or -1 where the cell is empty
    doubtful: Flags  # the name as written could also be another, rightly written name
    same_precision: Flags  # row and register both know a part of the birth date only

    def gravity(self, part: str) -> Ints:
        """How grave what this part shows is, as an index into `errors.GRAVITY`; 0 where it shows nothing."""
        grave: Ints = np.array([kind.gravity for kind in kinds()] + [0])[self.shown[part]]
        return grave

    def shows(self, kind: str) -> Ints:
        """The rows that show a kind."""
        return np.flatnonzero(self.shown[kind.partition(".")[0]] == number(kind))

    def clear(self, part: str, where: Flags, at_least: int = 0) -> None:
        """Let these rows show nothing in a part, if what they show is at least so grave."""
        self.shown[part] = np.where(where & (self.gravity(part) >= at_least), NONE, self.shown[part])


class Block:
    """Makes one block of a country: `citizens`, the rows, and the cells of every column."""

    def __init__(self, country: Country, block: int) -> None:
        self.country, self.block = country, block
        self.citizens: Citizens = people.citizens(country.seed, block, country.size(block), country.as_of)
        c = self.citizens
        self.age = people.age_on(country.as_of, c.year, c.month, c.day)
        self.index = country.subscriptions_of(block)
        self.rows = self._drawn()
        self.declared = self._written()

    def uniform(self, name: str) -> Floats:
        """One random number a row, for the draw of that name."""
        return stream(self.country.seed, self.block, "row " + name).random(len(self.index))

    def _drawn(self) -> Rows:
        country, size = self.country, len(self.index)
        holder = sims.holders(country.seed, self.block, self.citizens, self.age, size)
        nine, operator = sims.numbers(country.seed, country.subscriptions, self.index)
        carrier = sims.serving(operator, [one.code for one in country.carriers], self.uniform("carrier"))
        none = np.full(size, NONE)
        nothing = Dates(none, none, none)
        shown = dict.fromkeys(PARTS, none)
        rows = Rows(holder, holder, nine, carrier, shown, none, nothing, none, *np.zeros((2, size), np.bool_))
        self._copy(rows)
        for part in PARTS:
            if part != "copy":
                rows.shown[part] = country.rates.draw(part, rows.carrier, self.uniform(part))
        self._give_way(rows)
        self._of_others(rows)
        return rows

    def _copy(self, rows: Rows) -> None:
        """Some rows take the number of another row, and maybe its holder and carrier."""
        size, carriers = len(rows.number), len(self.country.carriers)
        order = stream(self.country.seed, self.block, "copies").permutation(size)
        uniform, start = self.uniform("copy"), 0
        rows.shown["copy"] = np.full(size, NONE)
        for kind in errors.of_part("copy"):
            pairs = round(float(self.country.rates.rates[:, kind].max()) * size / 2)  # both rows show it
            first, second = (order[start + part * pairs : start + (part + 1) * pairs] for part in (0, 1))
            first = first[: len(second)]
            start += 2 * pairs
            name = kinds()[kind].name
            carrier = rows.carrier[first]
            if "claimed" in name and pairs:
                carrier = (carrier + 1 + (uniform[second] * (carriers - 1)).astype(np.int64)) % carriers
            holder = rows.holder[first] if "same_person" in name else rows.holder[second]
            other = ("same_person" in name) | (holder != rows.holder[first])
            first, second, carrier, holder = first[other], second[other], carrier[other], holder[other]
            rows.number[second], rows.carrier[second], rows.holder[second] = (
                rows.number[first],
                carrier,
                holder,
            )
            rows.shown["copy"][first] = rows.shown["copy"][second] = kind

    def _give_way(self, rows: Rows) -> None:
        """What is graver hides the rest, so that each row's right answer is beyond doubt."""
        mismatch = errors.GRAVITY.index(Verdict.MISMATCH)
        copied = rows.shown["copy"] != NONE
        for part in ("row", "msisdn", "record", "id", "name", "dob"):
            rows.clear(part, copied, mismatch)
        others: list[str] = ["name", "dob", "id", "record", "msisdn"]
        for part in ("row", "msisdn"):
            others = [other for other in others if other != part]
            hidden = rows.gravity(part) > mismatch
            for other in others:
                rows.clear(other, hidden, 1)
        foreign = rows.shown["record"] != NONE
        for other in ("id", "name", "dob"):
            rows.clear(other, foreign, 1)
        unknown = rows.gravity("id") >= mismatch
        for other in ("name", "dob"):
            rows.clear(other, unknown, 1)

    def _of_others(self, rows: Rows) -> None:
        """Rows whose name and birth date are somebody else's."""
        c, size = self.citizens, len(self.citizens)
        rows.named = rows.holder.copy()
        resold = rows.shows("record.resold")
        step = 1 + (self.uniform("partner")[resold] * (size - 1)).astype(np.int64)
        rows.named[resold] = (rows.holder[resold] + step) % size
        siblings = rows.shows("record.sibling")
        younger = c.sibling[rows.holder[siblings]]
        rows.named[siblings] = np.where(younger, rows.holder[siblings] - 1, rows.holder[siblings] + 1) % size
        alone = ~younger & ~c.sibling[rows.named[siblings]]
        changed = np.r_[resold, siblings]
        fold = _folds()
        same = (fold[c.names.syllables[rows.holder]] == fold[c.names.syllables[rows.named]]).all(axis=1)
        undone = np.zeros(len(rows.holder), np.bool_)
        undone[changed] = same[changed]
        undone[siblings] |= alone
        rows.named = np.where(undone, rows.holder, rows.named)
        rows.clear("record", undone)

    def _written(self) -> dict[str, pa.Array]:
        similar = self.rows.shows("record.similar")
        cells = {"full_name": self._name_cells(similar)}
        cells["date_of_birth"] = self._date_cells(similar)
        cells["id_number"] = self._id_cells()
        cells["msisdn"], self.rows.shown["msisdn"] = corrupt_numbers.written_msisdns(
            self.rows.number, self.rows.shown["msisdn"], self.uniform("msisdn cell")
        )
        self._passports(cells)
        broken = self.rows.shows("row.malformed")
        cells["msisdn"] = text.replaced(cells["msisdn"], broken, text.chosen(("\0",), 0 * broken))
        cells["gender"] = self._gender_cells()
        cells |= self._other_cells()
        return {name: cells[name] for name in DECLARED_COLUMNS}

    def _name_cells(self, similar: Ints) -> pa.Array:
        """Names; a row of a similar person is one whose given name is confused."""
        rows, confusable = self.rows, number("name.confusable")
        case = np.full(len(rows.named), spelling.KEEP)
        case[rows.shows("case.upper")], case[rows.shows("case.lower")] = spelling.UPPER, spelling.LOWER
        wanted = rows.shown["name"].copy()
        wanted[similar] = confusable
        names = self.citizens.names.take(rows.named)
        cells, got, rows.doubtful = corrupt_names.written(names, wanted, case, self.uniform("name cell"))
        failed = np.zeros(len(wanted), np.bool_)
        failed[similar] = got[similar] != confusable
        got[similar] = NONE
        rows.clear("record", failed)
        rows.shown["name"] = got
        return cells

    def _date_cells(self, similar: Ints) -> pa.Array:
        rows, c, different = self.rows, self.citizens, number("dob.different")
        held = Dates(c.year[rows.named], c.month[rows.named], c.day[rows.named])
        known = c.known[rows.named]
        rows.same_precision = (known != DAY) & (self.uniform("precision") < 0.2) & (rows.named == rows.holder)
        held.day[rows.same_precision] = 0
        held.month[rows.same_precision & (known != people.MONTH)] = 0
        wanted = rows.shown["dob"].copy()
        still = similar[rows.shown["record"][similar] != NONE]
        wanted[still] = different
        regular = (known == DAY) & c.possible[rows.named]
        cells, rows.said_date, got = corrupt_dates.written(
            held, regular, wanted, self.uniform("date cell"), self.country.as_of
        )
        got[still] = NONE
        rows.shown["dob"] = got
        return cells

    def _id_cells(self) -> pa.Array:
        rows, c = self.rows, self.citizens
        held = Documents(c.id_number[rows.holder], c.previous[rows.holder], c.cmnd[rows.holder])
        cells, rows.said_id, rows.shown["id"] = corrupt_numbers.written_ids(
            held, rows.shown["id"], self.uniform("id cell"), self.country.seed
        )
        return cells

    def _passports(self, cells: dict[str, pa.Array]) -> None:
        """Foreigners, and citizens who showed a passport (a letter and seven digits; DOMAIN 3.4)."""
        rows, first, last = self.rows, *stock().strangers[:4:2]
        foreign, own = rows.shows("record.passport"), rows.shows("record.vn_passport")
        u = self.uniform("stranger")
        given = text.chosen(first, pick(u[foreign], stock().strangers[1]))
        family = text.chosen(last, pick(u[foreign] * 97 % 1, stock().strangers[3]))
        cells["full_name"] = text.replaced(
            cells["full_name"], foreign, text.joined(given, family, between=" ")
        )
        born = people.from_days((u[foreign] * 12_000).astype(np.int64))
        cells["date_of_birth"] = text.replaced(cells["date_of_birth"], foreign, people.iso(*born))
        for where, letters in ((foreign, "EGKPXZ"), (own, "BCN")):
            letter = text.chosen(list(letters), (u[where] * len(letters)).astype(np.int64))
            digits = text.padded((u[where] * 10**10).astype(np.int64), 7)
            cells["id_number"] = text.replaced(cells["id_number"], where, text.joined(letter, digits))
            rows.said_id[where] = -1

    def _gender_cells(self) -> pa.Array:
        rows = self.rows
        rows.said_man = self.citizens.men[rows.named].astype(np.int64)
        wrong = rows.shows("gender.wrong")
        rows.said_man[wrong] = 1 - rows.said_man[wrong]
        rows.said_man[rows.shows("gender.missing")] = -1
        return text.chosen(("F", "M", None), rows.said_man % 3)

    def _other_cells(self) -> dict[str, pa.Array]:
        """The cells that nothing is compared with."""
        rows, c, u = self.rows, self.citizens, self.uniform("other")
        today = np.datetime64(self.country.as_of, "D").astype(np.int64)
        adult = (c.year[rows.holder] - 1956).clip(0) * 365  # days from 1970 to about the fourteenth birthday
        first = np.minimum(np.maximum(OLDEST_SIM, adult), today - 400)
        activated = first + (u * (today - first)).astype(np.int64)
        face = FACE_CHECKS_FROM + (u * 7919 % 1 * (today - FACE_CHECKS_FROM)).astype(np.int64)
        size, place = len(u), c.province[rows.holder]
        moved = np.where(u < 0.1, (u * 10_000).astype(np.int64) % people.provinces().domestic, place)
        document = np.where(rows.said_id >= 0, 0, 3)
        document[rows.shows("id.cmnd")] = document[rows.shows("id.cmnd_lost_zero")] = 1
        document[rows.shows("id.cmnd_unknown")] = 1
        document[rows.shows("record.passport")] = document[rows.shows("record.vn_passport")] = 2
        document[u > 0.97] = 3
        return {
            "id_type": text.chosen(("cccd", "cmnd", "passport", None), document),
            "activated_on": people.iso(*people.from_days(activated)),
            "face_verified_at": _blank(people.iso(*people.from_days(face)), rows.shows("face.missing")),
            "email": self._email_cells(u),
            "row_ref": text.padded(self.index + 1, 10),
            "contact_msisdn": _blank(
                text.joined("0", text.padded(np.roll(rows.number, 1), 9)), np.flatnonzero(u > 0.25)
            ),
            "province": text.chosen(
                people.provinces().names, np.minimum(moved, people.provinces().domestic - 1)
            ),
            "contract_id": text.joined(
                "HD", text.padded(np.where(u < 0.5, c.start + rows.holder, 10**9 + self.index), 10)
            ),
            "point_of_sale": text.joined(
                "DL",
                text.padded(people.provinces().codes[place], 3),
                "-",
                text.padded((u * 10**7).astype(np.int64), 3),
            ),
            "status": text.chosen(("active",), np.zeros(size, np.int64)),
        }

    def _email_cells(self, u: Floats) -> pa.Array:
        names = self.citizens.names.take(self.rows.named)
        parts = [spelling.folded(names.syllables, slot) for slot in (names.given_at, names.family_at)]
        domain = text.chosen(_EMAIL_DOMAINS, (u * 10).astype(np.int64) % 3)
        cells = text.joined(text.joined(*parts, text.padded(self.index, 5), between="."), domain)
        return _blank(cells, np.flatnonzero(u < 0.65))


def _blank(cells: pa.Array, where: Ints) -> pa.Array:
    return text.replaced(cells, where, pa.nulls(len(where), pa.string()))


def _folds() -> npt.NDArray[np.int64]:
    """A number for every syllable, the same for syllables that differ in marks, case or i and y only."""
    keys = [spelling.unmarked(word).lower().replace("y", "i") for word in stock().vocabulary.words]
    first = {key: place for place, key in reversed(list(enumerate(keys)))}
    return np.array([first[key] for key in keys])
