"""What happens to a name on its way into a carrier's file.

A **draft** is the rows of one kind: the syllables, the form each is written in, and what stands between
them. A recipe changes the draft and says which rows it could change; the others stay as the register has
them.
None of this calls simcheck's own reading of names, so that the two can disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from rapidfuzz.distance import Levenshtein

from generator import errors, spelling, text
from generator.chance import Flags, Floats, Ints, in_any, pick
from generator.names import KINH, NONE, SLOTS, Names, Syllables, stock
from generator.spelling import FORM, KEEP, SEPARATOR


@dataclass
class Draft:
    """Names about to be written. All arrays have one row a name; `uniform` is one random number each."""

    names: Names
    syllables: Syllables
    forms: npt.NDArray[np.int8]
    gaps: npt.NDArray[np.int8]
    case: Ints
    uniform: Floats

    def __len__(self) -> int:
        return len(self.syllables)

    @property
    def rows(self) -> Ints:
        """The index of every row."""
        return np.arange(len(self))

    @property
    def there(self) -> Flags:
        """Which slots hold a syllable."""
        there: Flags = self.syllables != NONE
        return there

    @property
    def plain_order(self) -> Flags:
        """One family name first, one given name last: what a form's author had in mind."""
        names = self.names
        usual: Flags = (names.family_at == 0) & (names.family_length == 1) & (names.given_length == 1)
        usual &= (names.length >= 2) & (names.given_at == names.length - 1)
        return usual

    def changes(self, form: str) -> Flags:
        """Which slots the form would change, in the case they are written in."""
        changed: Flags = spelling.changes()[FORM[form], cased(self.syllables, self.case)]
        return changed

    def middle(self) -> Flags:
        """The slots between family name and given name."""
        slots, names = np.arange(SLOTS), self.names
        return (slots >= names.family_length[:, None]) & (slots < names.given_at[:, None])

    def one_of(self, slots: Flags) -> tuple[Ints, Flags]:
        """One of the flagged slots of each row by chance, and whether there is any."""
        count = slots.sum(axis=1)
        wanted = np.minimum((self.uniform * count).astype(np.int64), count - 1)
        order = np.cumsum(slots, axis=1) - 1
        return np.argmax(slots & (order == wanted[:, None]), axis=1), count > 0


Recipe = Callable[[Draft], Flags]


def cased(syllables: Syllables, case: Ints) -> Ints:
    """Syllables in the case of their row (see `spelling.cased`)."""
    return np.where(syllables == NONE, NONE, syllables + case[:, None] * spelling.size())


def _everywhere(form: str) -> Recipe:
    def recipe(draft: Draft) -> Flags:
        draft.forms[:] = FORM[form]
        return in_any(draft.changes(form))

    return recipe


def _somewhere(form: str, *, marks_left: bool = False, kinh_only: bool = False) -> Recipe:
    """One syllable in the form. `marks_left`: another one keeps a mark, or the whole would merely be
    unmarked.
    """

    def recipe(draft: Draft) -> Flags:
        slot, able = draft.one_of(draft.changes(form))
        draft.forms[draft.rows, slot] = np.where(able, FORM[form], 0)
        if marks_left:
            marked = draft.changes("unmarked")
            able &= (marked.sum(axis=1) - marked[draft.rows, slot]) > 0
        return able & (draft.names.people == KINH) if kinh_only else able

    return recipe


def _gaps(separator: str, *, last: bool = False) -> Recipe:
    def recipe(draft: Draft) -> Flags:
        slots = np.arange(SLOTS) < (draft.names.length - 1)[:, None]
        if last:
            slots = np.arange(SLOTS) == (draft.names.length - 1)[:, None]
        draft.gaps[slots] = SEPARATOR[separator]
        return in_any(slots)

    return recipe


def _viscii(draft: Draft) -> Flags:
    """In capitals six letters would be control characters: no file came through with those."""
    draft.forms[:] = FORM["viscii"]
    able = in_any(draft.changes("viscii") & ~draft.changes("eth"))  # Ð alone is only a look-alike
    able &= draft.case == KEEP
    return able


def _abbreviated(
    family: str | None, middle: str | None, *, gap: str | None = None, rest: str = "plain"
) -> Recipe:
    def recipe(draft: Draft) -> Flags:
        able = draft.plain_order
        draft.forms[draft.there] = FORM[rest]
        if family:
            draft.forms[:, 0] = FORM[family]
        if middle:
            slots = draft.middle()
            able = able & slots.any(axis=1)
            draft.forms[slots] = FORM[middle]
        if gap is not None:
            draft.gaps[:] = SEPARATOR[gap]
        shortened = draft.changes("letter") & (draft.forms != FORM[rest])
        able = able & in_any(shortened)  # the A of the H'Mông has nothing to lose
        if rest == "unmarked":  # the given name must have had a mark to lose
            able = able & draft.changes("unmarked")[draft.rows, draft.names.given_at]
        return able

    return recipe


def _order(source: Callable[[int, Ints], Ints], *, comma: bool = False) -> Recipe:
    """Syllables moved: `source(slot, length)` is the slot from which the new slot is filled."""

    def recipe(draft: Draft) -> Flags:
        able = draft.plain_order & _moved(draft, source, draft.names.length)
        if comma:
            draft.gaps[:, 0] = SEPARATOR[", "]
        return able

    return recipe


def _given_first(slot: int, length: Ints) -> Ints:
    return length - 1 if slot == 0 else np.full_like(length, slot - 1)


def _moved(draft: Draft, source: Callable[[int, Ints], Ints], turn: Ints) -> Flags:
    before = draft.syllables.copy()
    for slot in range(SLOTS):
        inside = slot < draft.names.length
        draft.syllables[inside, slot] = before[inside, source(slot, turn)[inside]]
    return in_any(draft.syllables != before)


def _highland(draft: Draft) -> Flags:
    """The family name, which stands last, put first."""
    names = draft.names
    length, at = names.length, names.family_at
    able = (at > 0) & (names.family_length > 0)
    return _moved(draft, lambda slot, _: (slot + at) % length, length) & able


def _glued_pair(draft: Draft) -> Flags:
    slot, able = draft.one_of(np.arange(SLOTS) < (draft.names.length - 1)[:, None])
    draft.gaps[draft.rows, slot] = SEPARATOR[""]
    return able


def _glued_unmarked(draft: Draft) -> Flags:
    draft.gaps[:] = SEPARATOR[""]
    return _everywhere("unmarked")(draft) & (draft.names.length > 1)


@cache
def _given_names() -> list[int]:
    table = stock().kinh.given.syllables
    return sorted({int(row[0]) for row in table if row[1] == NONE})


@cache
def neighbours(unmarked: bool) -> tuple[Syllables, Ints]:
    """For each syllable the given names one letter away, and how many there are.

    Pairs that only differ in open i and y are left out: they may be one person. With `unmarked`, only pairs
    that still differ when all marks are dropped.
    """
    words = stock().vocabulary.words
    key = {s: spelling.unmarked(words[s]).lower().replace("y", "i") for s in _given_names()}
    found: dict[int, list[int]] = {s: [] for s in _given_names()}
    for one, others in found.items():
        for other in found:
            letters = words[one].lower(), words[other].lower()
            same = letters[0].replace("y", "i") == letters[1].replace("y", "i")
            same = same or (unmarked and key[one] == key[other])
            if not same and Levenshtein.distance(*letters, score_cutoff=1) == 1:
                others.append(other)
    count = np.zeros(len(words), np.int64)
    table = np.zeros((len(words), max(map(len, found.values()))), np.int32)
    for one, others in found.items():
        count[one], table[one, : len(others)] = len(others), others
    return table, count


def confused(draft: Draft, unmarked: bool = False) -> Flags:
    """The given name exchanged for one that looks like it: An and Anh, Lan and Loan, Hùng and Hưng."""
    table, count = neighbours(unmarked)
    at = draft.names.given_at
    given = draft.syllables[draft.rows, at]
    able = (count[given] > 0) & draft.plain_order
    draft.syllables[draft.rows, at] = table[
        given, (draft.uniform * np.maximum(count[given], 1)).astype(np.int64)
    ]
    return able


def _confused_unmarked(draft: Draft) -> Flags:
    able = confused(draft, unmarked=True)
    draft.forms[:] = FORM["unmarked"]
    return able


def _cognate(draft: Draft) -> Flags:
    numbers = stock().vocabulary
    able = np.zeros(len(draft), np.bool_)
    first = draft.syllables[:, 0].copy()
    for one, other in (("Vũ", "Võ"), ("Võ", "Vũ"), ("Hoàng", "Huỳnh"), ("Huỳnh", "Hoàng")):
        hit = (first == numbers[one]) & draft.plain_order
        draft.syllables[hit, 0] = numbers[other]
        able |= hit
    return able


def _other_family(draft: Draft) -> Flags:
    table = stock().kinh.family
    assert table is not None
    before = draft.syllables[:, 0].copy()
    draft.syllables[:, 0] = table.syllables[pick(draft.uniform, table.weights.sum(axis=0)), 0]
    able = draft.plain_order
    able &= draft.syllables[:, 0] != before
    return able


def _missing_middle(draft: Draft) -> Flags:
    draft.syllables[:, 1:-1] = draft.syllables[:, 2:].copy()
    draft.syllables[:, -1] = NONE
    return draft.plain_order & (draft.names.length >= 3)


def _extra_middle(draft: Draft) -> Flags:
    words = [stock().vocabulary[word] for word in ("Thị", "Văn", "Ngọc", "Thanh", "Minh")]
    extra = np.array(words, np.int32)[(draft.uniform * len(words)).astype(np.int64)]
    able = draft.plain_order & ~in_any(draft.syllables == extra[:, None])
    able &= draft.names.length < SLOTS
    draft.syllables[:, 2:] = draft.syllables[:, 1:-1].copy()
    draft.syllables[:, 1] = extra
    return able


def _middle_given_swapped(draft: Draft) -> Flags:
    last = draft.names.length - 1
    able = draft.plain_order
    able &= last >= 2
    one, other = draft.syllables[draft.rows, last], draft.syllables[draft.rows, last - 1]
    draft.syllables[draft.rows, last], draft.syllables[draft.rows, last - 1] = other, one
    able &= one != other
    return able


RECIPES: dict[str, Recipe] = {
    "nfd": _everywhere("nfd"),
    "cp1258_form": _everywhere("cp1258_form"),
    "eth": _everywhere("eth"),
    "african_d": _everywhere("african_d"),
    "tone_new": _everywhere("tone_new"),
    "tone_misplaced": _everywhere("tone_misplaced"),
    "double_space": _gaps("  "),
    "trailing_space": _gaps("  ", last=True),
    "no_break_space": _gaps("\u00a0"),
    "zero_width": _somewhere("zero_width"),
    "apostrophe_curly": _everywhere("curly"),
    "apostrophe_modifier": _everywhere("modifier"),
    "apostrophe_spaced": _everywhere("spaced"),
    "unmarked": _everywhere("unmarked"),
    "i_y": _everywhere("i_y"),
    "tcvn3": _everywhere("tcvn3"),
    "vni": _everywhere("vni"),
    "cp1258": _everywhere("cp1258"),
    "utf8_as_1252": _everywhere("utf8_as_1252"),
    "utf8_as_latin1": _everywhere("utf8_as_latin1"),
    "replacement_marks": _everywhere("replacement_marks"),
    "viscii": _viscii,
    "question_marks": _everywhere("question_marks"),
    "telex": _everywhere("telex"),
    "telex_inside": _everywhere("telex_inside"),
    "telex_one": _somewhere("telex"),
    "vni_keys": _everywhere("vni_keys"),
    "abbreviated_family": _abbreviated("onset", None),
    "abbreviated_middle": _abbreviated(None, "initial"),
    "abbreviated_all": _abbreviated("initial", "initial"),
    "abbreviated_bare": _abbreviated("letter", "letter"),
    "abbreviated_glued": _abbreviated("initial", "initial", gap=""),
    "abbreviated_unmarked": _abbreviated("unmarked_onset", "unmarked_initial", rest="unmarked"),
    "order_given_first": _order(_given_first),
    "order_reversed": _order(lambda slot, length: length - 1 - slot),
    "order_family_last": _order(lambda slot, length: (slot + 1) % length),
    "order_comma": _order(_given_first, comma=True),
    "order_highland": _highland,
    "glued": _gaps(""),
    "glued_pair": _glued_pair,
    "split": _somewhere("split"),
    "no_apostrophe": _everywhere("no_apostrophe"),
    "glued_unmarked": _glued_unmarked,
    "partly_marked": _somewhere("unmarked", marks_left=True),
    "toneless": _somewhere("toneless", marks_left=True),
    "confusable": confused,
    "confusable_unmarked": _confused_unmarked,
    "cognate_family": _cognate,
    "other_family": _other_family,
    "missing_middle": _missing_middle,
    "extra_middle": _extra_middle,
    "middle_given_swapped": _middle_given_swapped,
    "hook_tilde": _somewhere("hook_tilde"),
    "onset_by_ear": _somewhere("onset_by_ear", kinh_only=True),
    "typo_double": _somewhere("slip_double", kinh_only=True),
    "typo_swap": _somewhere("slip_swap", kinh_only=True),
}  # fmt: skip


_ENCODINGS = ("tcvn3", "vni", "viscii", "cp1258", "utf8_as_1252", "utf8_as_latin1")


def _doubtful(kind: str, draft: Draft) -> Flags:
    """Rows that could also be another person's name, rightly written: which they are is a matter of opinion.

    A name out of order that begins with a family name (Thái Lê Văn); a name in the wrong encoding that still
    reads as Vietnamese (Lê Vãn Sõn for Lê Văn Sơn).
    """
    if kind.startswith("order_"):
        families = stock().kinh.family
        assert families is not None
        return np.isin(draft.syllables[:, 0], families.syllables[:, 0])
    if kind in _ENCODINGS:
        ok = spelling.passes_for_a_name()[FORM[kind], cased(draft.syllables, draft.case)]
        return ~in_any(~ok & draft.there)
    return np.zeros(len(draft), np.bool_)


def written(names: Names, kinds: Ints, case: Ints, uniform: Floats) -> tuple[pa.Array, Ints, Flags]:
    """Names as a carrier has them, the kinds that took hold, and the rows whose right answer is doubtful.

    `kinds` are the numbers of `name.` kinds in `errors.toml`, or `errors.NONE`; `case` is the case of each
    row.
    A row that its kind cannot happen to is written plain, and its kind comes back as `errors.NONE`. A missing
    name is null.
    """
    forms, gaps = np.zeros((2, len(kinds), SLOTS), np.int8)
    syllables, kinds, doubtful = names.syllables.copy(), kinds.copy(), np.zeros(len(kinds), np.bool_)
    for number in np.unique(kinds[kinds >= 0]):
        recipe = RECIPES.get(errors.kinds()[number].name.removeprefix("name."))
        if recipe is None:
            continue
        rows = np.flatnonzero(kinds == number)
        part = names.take(rows)
        nothing = np.zeros((2, len(rows), SLOTS), np.int8)
        draft = Draft(part, part.syllables.copy(), nothing[0], nothing[1], case[rows], uniform[rows])
        able = recipe(draft)
        kinds[rows[~able]] = errors.NONE
        rows = rows[able]
        doubtful[rows] = _doubtful(errors.kinds()[number].name.removeprefix("name."), draft)[able]
        syllables[rows], forms[rows], gaps[rows] = draft.syllables[able], draft.forms[able], draft.gaps[able]
    cells = spelling.write(cased(syllables, case), forms, gaps)
    return _without_a_name(cells, kinds, uniform), kinds, doubtful


def _without_a_name(cells: pa.Array, kinds: Ints, uniform: Floats) -> pa.Array:
    words = stock().strangers[4]
    rows = np.flatnonzero(kinds == errors.number("name.placeholder"))
    cells = text.replaced(cells, rows, text.chosen(words, (uniform[rows] * len(words)).astype(np.int64)))
    rows = np.flatnonzero(kinds == errors.number("name.missing"))
    return text.replaced(cells, rows, pa.nulls(len(rows), pa.string()))
