from __future__ import annotations

import unicodedata

import pytest

from simcheck.normalise.letters import (
    ALPHABET,
    APOSTROPHE,
    APOSTROPHES,
    COMPOSE,
    FIRST_MARK,
    INVISIBLE,
    LETTER,
    MARKS,
    SEPARATOR,
    SKIPPED,
    SPACES,
    TABLE_SIZE,
    TONE,
    TONE_MARK,
    TONES,
    UNKNOWN,
    take_apart,
)

VOWELS = "aăâeêioôơuưy"
TONE_ORDER = ["", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"]  # none, huyền, sắc, hỏi, ngã, nặng


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("vowel", VOWELS)
def test_every_vowel_with_every_tone(vowel, upper):
    for tone, mark in enumerate(TONE_ORDER):
        letter = unicodedata.normalize("NFC", vowel + mark)
        assert len(letter) == 1
        letter = letter.upper() if upper else letter
        assert take_apart(letter) == (vowel, tone, "")
        assert LETTER[ord(letter)] == ALPHABET.index(vowel) + 1
        assert TONE[ord(letter)] == tone


@pytest.mark.parametrize("letter", "ĐđÐðƉɖ")
def test_the_letters_that_look_like_d_with_stroke(letter):
    assert take_apart(letter) == ("đ", 0, "")
    assert LETTER[ord(letter)] == LETTER[ord("đ")]


@pytest.mark.parametrize("letter", "ƀčĕĭŏñŭƀČĔĬŎÑŬ")
def test_highland_letters_are_letters_of_their_own(letter):
    assert take_apart(letter) == (letter.lower(), 0, "")
    look_alike = dict(zip("ƀčĕĭŏñŭ", "bceionu", strict=True))[letter.lower()]
    assert LETTER[ord(letter)] != LETTER[ord(look_alike)]


def test_a_letter_without_a_precomposed_form_keeps_its_mark():
    assert unicodedata.normalize("NFC", "ơ\u0306") == "ơ\u0306"
    letters = [take_apart(each) for each in "ơ\u0306"]
    assert [letter for letter, _, _ in letters] == ["ơ", "\u0306"]


def test_tables_agree_with_taking_apart_for_every_code_point():
    for point, code in enumerate(LETTER):
        if code in (UNKNOWN, APOSTROPHE) or code >= FIRST_MARK:
            continue
        letter, tone, rest = take_apart(chr(point))
        assert (ALPHABET[code - 1], int(TONE[point]), "") == (letter, tone, rest)
    kinds = {TONE_MARK: TONES, APOSTROPHE: APOSTROPHES, SEPARATOR: SPACES, SKIPPED: INVISIBLE}
    for kind, characters in kinds.items():
        met = {chr(point) for point, code in enumerate(LETTER) if code == kind}
        assert met == {each for each in characters if ord(each) < TABLE_SIZE}


def test_composition_agrees_with_unicode():
    for base in ALPHABET:
        for at, mark in enumerate(MARKS):
            composed = unicodedata.normalize("NFC", base + mark)
            code = int(COMPOSE[ALPHABET.index(base) + 1, at])
            if composed in ALPHABET:
                assert ALPHABET[code - 1] == composed
            else:
                assert code == 0


@pytest.mark.parametrize("character", "0 .'?\ufffd中я")
def test_what_is_no_letter_stays_itself(character):
    assert take_apart(character)[:2] == (character, 0)
