"""What can happen to the letters of a word: holes, cuts, glue, slips. Kernels over `words.WordTable`."""

from __future__ import annotations

import numpy as np

from simcheck.normalise.kernels import kernel
from simcheck.normalise.words import BARE_VALID, I32, MARKED, VALID, WordTable

APART, SPACED, SPACED_BARE = 0, 1, 2
LONGEST = 128  # letters of a whole name that are compared without its spaces
_HOLE, _REPLACEMENT, _APOSTROPHE = 0x3F, 0xFFFD, 0x27  # the question mark, U+FFFD, the apostrophe


@kernel
def fits_holes(ours: int, theirs: int, table: WordTable) -> bool:
    """Whether the letters around `?` or U+FFFD are the registered word's, each hole one lost letter or
    its two or three bytes. At least one letter must have survived."""
    o = table.plains[table.plain_at[ours] : table.plain_at[ours + 1]]
    t = table.plains[table.plain_at[theirs] : table.plain_at[theirs + 1]]
    return _match_holes(o, 0, t, 0) and _letters(o) > 0


@kernel
def _letters(word: I32) -> int:
    count = 0
    for point in word:
        count += point != _HOLE and point != _REPLACEMENT
    return count


@kernel
def _match_holes(o: I32, i: int, t: I32, j: int) -> bool:
    while i < len(o) and o[i] != _HOLE and o[i] != _REPLACEMENT:
        if j >= len(t) or o[i] != t[j]:
            return False
        i += 1
        j += 1
    if i == len(o):
        return j == len(t)
    run = 0
    while i < len(o) and (o[i] == _HOLE or o[i] == _REPLACEMENT):
        run += 1
        i += 1
    for lost in range((run + 2) // 3, run + 1):
        # what follows a run of holes is letters up to the next run: try each length the run may stand for
        a, b = i, j + lost
        while a < len(o) and b < len(t) and o[a] == t[b]:
            a += 1
            b += 1
        if a == len(o) and b == len(t):
            return True
        if a < len(o) and (o[a] == _HOLE or o[a] == _REPLACEMENT) and b < len(t):
            rest = 0
            while a + rest < len(o) and (o[a + rest] == _HOLE or o[a + rest] == _REPLACEMENT):
                rest += 1
            tail = len(o) - a - rest
            left = len(t) - b - tail
            if (rest + 2) // 3 <= left <= rest and tail >= 0:
                same = True
                for k in range(tail):
                    same &= o[a + rest + k] == t[b + left + k]
                if same:
                    return True
    return False


@kernel
def shortens(ours: int, theirs: int, table: WordTable) -> bool:
    """Whether the declared word is the beginning of the registered one, and shorter."""
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
def same_but_spaced(declared: I32, registered: I32, table: WordTable) -> int:
    """Glued or split words, and lost apostrophes: the same letters in the same order.

    Gives SPACED, SPACED_BARE (the declared name has also lost its marks) or APART.

    Tones are digits at a word's end, so exact forms are compared letter by letter with each side's
    digits sorted out; without marks, no glued word may be a syllable of its own (Hoan is not Hồ An).
    """
    ours = np.empty(LONGEST, np.int32)
    theirs = np.empty(LONGEST, np.int32)
    marked = False
    for word in declared:
        marked |= table.flags[word] & MARKED != 0
    if _joined(declared, table.plain_at, table.plains, ours) != _joined(
        registered, table.plain_at, table.plains, theirs
    ):
        return APART
    used = _joined(declared, table.plain_at, table.plains, ours)
    if not _equal(ours, theirs, used):
        return APART
    if not marked and len(declared) < len(registered):
        for word in declared:
            if table.flags[word] & BARE_VALID and not _is_among(word, registered, table):
                return APART
    if _same_letters(declared, registered, table):
        return SPACED
    return APART if marked else SPACED_BARE


@kernel
def _same_letters(declared: I32, registered: I32, table: WordTable) -> bool:
    """Whether letters with their shapes, and the tones in their order, are the same."""
    ours = np.empty(LONGEST, np.int32)
    theirs = np.empty(LONGEST, np.int32)
    used = _joined(declared, table.form_at, table.forms, ours)
    if used != _joined(registered, table.form_at, table.forms, theirs):
        return False
    for digits in range(2):
        i = 0
        j = 0
        while True:
            while i < used and (0x31 <= ours[i] <= 0x35) != (digits == 1):
                i += 1
            while j < used and (0x31 <= theirs[j] <= 0x35) != (digits == 1):
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
def _is_among(word: int, registered: I32, table: WordTable) -> bool:
    for each in registered:
        if table.plain[each] == table.plain[word]:
            return True
    return False


@kernel
def one_slip(declared: I32, registered: I32, table: WordTable) -> bool:
    """One word differs, by one letter added, dropped, changed or swapped with its neighbour, and what
    stands there is no Vietnamese syllable: a slip of the hand rather than another name."""
    if len(declared) != len(registered):
        return False
    marked = False
    for word in declared:
        marked |= table.flags[word] & MARKED != 0
    slips = 0
    for at in range(len(declared)):
        ours, theirs = declared[at], registered[at]
        if table.exact[ours] == table.exact[theirs]:
            continue
        if not marked and table.plain[ours] == table.plain[theirs]:
            continue
        slips += 1
        if slips > 1 or table.flags[ours] & (VALID if marked else BARE_VALID):
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
