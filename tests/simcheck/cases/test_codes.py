from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simcheck.cases import codes

drawn = st.builds(lambda _: codes.draw(), st.integers())


@given(drawn)
def test_a_code_is_read_however_it_is_typed(code):
    assert len(code) == 10
    for typed in (code, codes.shown(code), code.lower(), f" {code[:3]} {code[3:]}. "):
        assert codes.read(typed) == code


@given(drawn, st.integers(0, 9), st.sampled_from(codes.ALPHABET))
def test_a_wrong_character_is_noticed(code, at, other):
    wrong = code[:at] + other + code[at + 1 :]
    assert codes.read(wrong) == (code if other == code[at] else None)


@given(drawn, st.integers(0, 8))
def test_characters_that_changed_places_are_noticed(code, at):
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    if at < 8 and swapped != code:
        assert codes.read(swapped) is None


@given(st.text(max_size=20))
def test_anything_else_is_no_code(text):
    assert codes.read(text) is None or len(text) >= 10


def test_the_database_draws_the_same_codes(owner):
    made = [
        row[0]
        for row in owner.execute(
            f"SELECT {codes.sql('bytes')} FROM "
            "(SELECT uuid_send(gen_random_uuid()) AS bytes FROM generate_series(1, 2000)) AS drawn"
        )
    ]
    assert [codes.read(code) for code in made] == made
    assert len(set(made)) == 2000
    for at in range(9):
        assert len({code[at] for code in made}) == len(codes.ALPHABET)
