"""What can happen to the letters of a word: holes, cuts, glue, slips. Kernels over `words.WordTable`."""

from __future__ import annotations

import numpy as np

from simcheck.normalise.kernels import kernel
from simcheck.normalise.letters import TONE_MARKS
from simcheck.normalise.words import (
    BARE_VALID,
    EXACT,
    FAMILY,
    FLAGS,
    I32,
    MARKED,
    NAMING,
    PLAIN,
    VALID,
    Facts,
    WordTable,
)

APART, SPACED, SPACED_BARE, HOLED, ALL_LOST = range(5)
LONGEST_HOLED = 60  # letters of a word with holes: as many as bits are at hand
_FIRST_TONE, _LAST_TONE = ord(TONE_MARKS[1]), ord(TONE_MARKS[-1])
_FIRST_COMBINING, _LAST_COMBINING = 0x300, 0x36F
LONGEST = 128  # letters of a whole name that are compared without its spaces
_HOLE, _REPLACEMENT, _APOSTROPHE = 0x3F, 0xFFFD, 0x27  # the question mark, U+FFFD, the apostrophe


@kernel
def fits_holes(ours: int, theirs: int, table: WordTable) -> int:
    """Whether the letters around `?` or U+FFFD are the registered word's, each hole one lost letter or its
    two or three bytes: APART, HOLED, or ALL_LOST where no letter has survived.

    Bit `j` of `ends` says that what was read so far may end before letter `j` of the registered word.
    """
    o = table.plains[table.plain_at[ours] : table.plain_at[ours + 1]]
    t = table.plains[table.plain_at[theirs] : table.plain_at[theirs + 1]]
    form = table.forms[table.form_at[theirs] : table.form_at[theirs + 1]]
    if len(t) > LONGEST_HOLED:
        return APART
    written = table.forms[table.form_at[ours] : table.form_at[ours + 1]]
    toned = _has_tone(form) and not _has_tone(written)
    may_be_lost, loose = _beyond_ascii(form, t, toned)
    ends = np.uint64(1)
    letters = 0
    at = 0
    while at < len(o):
        run = 0
        while at < len(o) and (o[at] == _HOLE or o[at] == _REPLACEMENT):
            run += 1
            at += 1
        if run:
            least = 0 if loose else (run + 2) // 3
            after = ends if least == 0 else np.uint64(0)
            for lost in range(1, run + 1):
                ends = (ends & may_be_lost) << np.uint64(1)
                if lost >= least:
                    after |= ends
            ends = after
        else:
            same = np.uint64(0)
            for k in range(len(t)):
                same |= np.uint64(t[k] == o[at]) << np.uint64(k)
            ends = (ends & same) << np.uint64(1)
            letters += 1
            at += 1
    if not ends >> np.uint64(len(t)) & np.uint64(1):
        return APART
    return HOLED if letters else ALL_LOST


@kernel
def _has_tone(form: I32) -> bool:
    return len(form) > 0 and _FIRST_TONE <= form[-1] <= _LAST_TONE


@kernel
def _beyond_ascii(form: I32, plain: I32, toned: bool) -> tuple[np.uint64, bool]:
    """The letters that a conversion may have lost, one bit each: those with a shape mark and, where a tone
    was lost, every vowel (forms do not tell which one bears it). Beside it, whether some letter is written
    with a combining mark even in NFC (ơ̆), so that a hole may stand for the mark alone."""
    lost = np.uint64(0)
    loose = False
    for point in form:
        loose |= _FIRST_COMBINING <= point <= _LAST_COMBINING
    for k in range(len(plain)):
        shaped = loose or form[k] != plain[k]
        vowel = plain[k] in (0x61, 0x65, 0x69, 0x6F, 0x75, 0x79)
        lost |= np.uint64(shaped or (toned and vowel)) << np.uint64(k)
    return lost, loose


@kernel
def shortens(ours: int, theirs: int, table: WordTable) -> bool:
    """Whether the declared word is the beginning of the registered one, and shorter.

    A marked letter says which letter it is: Đ. begins Đặng, and Ý is no beginning of Yến.
    """
    if table.facts[ours, FLAGS] & MARKED:
        o = table.forms[table.form_at[ours] : table.form_at[ours + 1]]
        t = table.forms[table.form_at[theirs] : table.form_at[theirs + 1]]
    else:
        o = table.plains[table.plain_at[ours] : table.plain_at[ours + 1]]
        t = table.plains[table.plain_at[theirs] : table.plain_at[theirs + 1]]
    if len(o) >= len(t) or len(o) == 0:
        return False
    skeleton = len(o) == 2 and o[0] == t[0] and o[1] == t[-1]  # Hg. for Hoàng
    begins = True
    for at in range(len(o)):
        begins &= o[at] == t[at]
    return begins or skeleton


@kernel
def _joined(words: I32, at: I32, pool: I32, out: I32) -> int:
    """All words' letters in a row, without apostrophes and tones; how many there are."""
    used = 0
    for word in words:
        for k in range(at[word], at[word + 1]):
            point = pool[k]
            if point != _APOSTROPHE and used < len(out):
                out[used] = point
                used += 1
    return used


@kernel
def same_but_spaced(declared: I32, registered: I32, table: WordTable, room: I32) -> int:
    """Glued or split words, and lost apostrophes: the same letters in the same order.

    Gives SPACED, SPACED_BARE (the declared name has also lost its marks) or APART.

    Tones stand at a word's end, so exact forms are compared first by their letters and then by their
    tones. No word that is new on the declared side may be a syllable of its own: Hoan is not Hồ An, and Thu
    Yên is not Thuyên. (A family name that fell into pieces is no family name any more: Ngu yễn.)
    `room`, of shape (2, LONGEST), is for the letters of both.
    """
    ours, theirs = room[0], room[1]
    facts = table.facts
    marked = False
    for word in declared:
        marked |= facts[word, FLAGS] & MARKED != 0
    used = _joined(declared, table.plain_at, table.plains, ours)
    if used != _joined(registered, table.plain_at, table.plains, theirs) or not _equal(ours, theirs, used):
        return APART
    if _may_be_words(declared, registered, facts, NAMING if marked else BARE_VALID):
        return APART
    if _same_letters(declared, registered, table, room):
        return SPACED
    return APART if marked else SPACED_BARE


@kernel
def _same_letters(declared: I32, registered: I32, table: WordTable, room: I32) -> bool:
    """Whether letters with their shapes, and the tones in their order, are the same."""
    ours, theirs = room[0], room[1]
    used = _joined(declared, table.form_at, table.forms, ours)
    if used != _joined(registered, table.form_at, table.forms, theirs):
        return False
    for tones in range(2):
        i = 0
        j = 0
        while True:
            while i < used and (_FIRST_TONE <= ours[i] <= _LAST_TONE) != (tones == 1):
                i += 1
            while j < used and (_FIRST_TONE <= theirs[j] <= _LAST_TONE) != (tones == 1):
                j += 1
            if i == used or j == used:
                break
            if ours[i] != theirs[j]:
                return False
            i += 1
            j += 1
        if i != j:
            return False
    return True


@kernel
def _equal(ours: I32, theirs: I32, used: int) -> bool:
    for k in range(used):
        if ours[k] != theirs[k]:
            return False
    return True


@kernel
def _may_be_words(declared: I32, registered: I32, facts: Facts, valid: int) -> bool:
    """Whether the words that only the declared name has may all be meant as they stand."""
    if len(declared) > len(registered) and facts[registered[0], FLAGS] & ~facts[declared[0], FLAGS] & FAMILY:
        return False
    for word in declared:
        if not facts[word, FLAGS] & valid and not _is_among(word, registered, facts):
            return False
    return True


@kernel
def _is_among(word: int, registered: I32, facts: Facts) -> bool:
    for each in registered:
        if facts[each, PLAIN] == facts[word, PLAIN]:
            return True
    return False


@kernel
def one_slip(declared: I32, registered: I32, table: WordTable) -> bool:
    """One word differs, by one letter added, dropped, changed or swapped with its neighbour, and what
    stands there is no Vietnamese syllable: a slip of the hand rather than another name."""
    if len(declared) != len(registered):
        return False
    facts = table.facts
    marked = False
    for word in declared:
        marked |= facts[word, FLAGS] & MARKED != 0
    slips = 0
    for at in range(len(declared)):
        ours, theirs = declared[at], registered[at]
        if facts[ours, EXACT] == facts[theirs, EXACT]:
            continue
        if facts[ours, PLAIN] == facts[theirs, PLAIN]:
            if marked:
                return False  # marks differ: that is no slip of a letter
            continue
        slips += 1
        if slips > 1 or facts[ours, FLAGS] & (VALID if marked else BARE_VALID):
            return False
        if marked:
            o = table.forms[table.form_at[ours] : table.form_at[ours + 1]]
            t = table.forms[table.form_at[theirs] : table.form_at[theirs + 1]]
        else:
            o = table.plains[table.plain_at[ours] : table.plain_at[ours + 1]]
            t = table.plains[table.plain_at[theirs] : table.plain_at[theirs + 1]]
        if not within_one(o, t):
            return False
    return slips == 1


@kernel
def within_one(o: I32, t: I32) -> bool:
    """Whether one insertion, deletion, change or swap of neighbours turns `o` into `t`."""
    if abs(len(o) - len(t)) > 1:
        return False
    head = 0
    while head < len(o) and head < len(t) and o[head] == t[head]:
        head += 1
    tail = 0
    while tail < len(o) - head and tail < len(t) - head and o[-1 - tail] == t[-1 - tail]:
        tail += 1
    a, b = len(o) - head - tail, len(t) - head - tail
    swapped = a == 2 and b == 2 and o[head] == t[head + 1] and o[head + 1] == t[head]
    return (a <= 1 and b <= 1) or swapped
