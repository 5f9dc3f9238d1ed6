"""The register of processing is of every table and every folder that there is."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from simcheck.care import processing, retention
from simcheck.crosscheck import places
from simcheck.db.base import whole_metadata
from simcheck.enforcement.orders import answer_files, send
from simcheck.feedback import make
from simcheck.register import sealed
from simcheck.uploads import vault

TEXT = """
version = "1"
controller = {vi = "A", en = "a"}
[[activity]]
id = "one"
purpose = {vi = "A", en = "a"}
ground = "Law 91/2025"
confidence = "M"
subjects = {vi = "A", en = "a"}
data = {vi = "A", en = "a"}
recipients = {vi = "A", en = "a"}
lake = []
retention = ["raw_files"]
tables = [{name = "batch"}]
"""


def test_every_table_stands_in_one_activity():
    assert set(processing.load().tables) == set(whole_metadata().tables)


def test_every_column_that_tells_who_somebody_is_stands_in_it():
    """Columns of bytes, and what they are; where there are keyed codes, by which people are counted."""
    made = whole_metadata().tables
    for name, (_, table) in processing.load().tables.items():
        held = {each.name for each in made[name].c if isinstance(each.type, sa.LargeBinary)}
        said = [*table.tokens, *table.sealed, *table.codes]
        assert sorted(said) == sorted(held), name
        assert {each for each in held if each.endswith("_token")} == set(table.tokens), name
        counted = set(re.findall(r"\w+", table.token)) & set(made[name].c.keys())
        assert bool(counted) == bool(table.token), name
        assert not table.tokens or counted, name


def test_every_folder_of_the_lake_stands_in_one_activity():
    folders = {
        places.DECLARED, places.FINDINGS, places.RECUT, make.FOLDER, sealed.FOLDER, vault.FOLDER,
        send.FOLDER, answer_files.FOLDER,
    }  # fmt: skip
    assert set(processing.load().lake) == folders


def test_every_kind_that_is_kept_belongs_to_an_activity():
    named = {kind for each in processing.load().activities for kind in each.retention}
    assert named == {rule.id for rule in retention.load().rules}


@pytest.mark.parametrize(
    ("line", "other", "fault"),
    [
        ('retention = ["raw_files"]', 'retention = ["x"]', "one: .*no x"),
        ('ground = "Law 91/2025"', 'ground = ""', "one: say the ground"),
        ('data = {vi = "A", en = "a"}', 'data = {vi = "A"}', "one: say each text"),
        ('tables = [{name = "batch"}]', 'tables = [{name = "batch"}, {name = "batch"}]', "batch: .*two"),
    ],
)
def test_a_register_that_is_not_whole_is_refused(line, other, fault):
    assert processing.read(TEXT).activities[0].id == "one"
    with pytest.raises(ValueError, match=re.compile(f"^{fault}")):
        processing.read(TEXT.replace(line, other, 1))
