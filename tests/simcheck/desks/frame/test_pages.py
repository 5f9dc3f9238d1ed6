"""Every text of the desks is there in both languages, belongs to its room, and is used; every template is
whole.
"""

from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest

from simcheck.access.roles import Role
from simcheck.desks.doors import MENU
from simcheck.desks.frame import pages
from simcheck.messages.words import Language
from simcheck.reports.words import WORDS as REPORTS
from simcheck.web.words import table_of

# What the frame says for all; every other key begins with its room's name.
SHARED = ("site", "keys", "parts", "role", "trouble")
WITH_WORDS = [
    room for room, package in pages.ROOMS.items() if files(package).joinpath("words.toml").is_file()
]


def sources() -> str:
    found = []
    for package in (*pages.ROOMS.values(), "simcheck.desks"):
        for folder in (files(package), files(package).joinpath("templates")):
            if folder.is_dir():
                found += [
                    each.read_text("utf-8")
                    for each in folder.iterdir()
                    if each.name.endswith((".py", ".html"))
                ]
    return "\n".join(found)


SOURCES = sources()


def values_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_everything_with_the_same_values():
    vietnamese, english = (pages.WORDS[each].texts for each in (Language.VI, Language.EN))
    assert vietnamese.keys() == english.keys()
    for key, text in vietnamese.items():
        assert text.strip() == text != "", key
        assert values_of(text) == values_of(english[key]), key
    tables = [table_of(pages.ROOMS[room]) for room in WITH_WORDS]
    assert sum(map(len, tables)) == len(vietnamese) + len(english)  # nothing stands under a third name


@pytest.mark.parametrize("room", WITH_WORDS)
def test_a_room_says_what_is_its_own(room):
    for key in table_of(pages.ROOMS[room]):
        first = key.partition(".")[0]
        assert first == room or first == "trouble" or (room == "frame" and first in SHARED), key


def test_every_text_is_used():
    """By its name, or by the beginning of a name that is put together: say("trouble." ~ code ~ ".title")."""
    put_together = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)*[._])["'] ?[~+]""", SOURCES))
    put_together |= set(re.findall(r"""f["']([a-z_]+(?:\.[a-z_]+)*[._])\{""", SOURCES))
    offered = {f"{entry.room}.{word}" for entry in MENU for word in ("menu", "about")}
    named = set(re.findall(r"""["']([a-z0-9_.]+)(?=["'])""", SOURCES))
    for key in pages.WORDS[Language.VI].texts:
        assert key in named or key in offered or any(key.startswith(each) for each in put_together), key


def test_every_text_that_is_named_is_there():
    named = set(re.findall(r"""(?:say|words|other)\(["']([a-z_.]+)["'][,)]""", SOURCES))
    there = {*pages.WORDS[Language.VI].texts, *REPORTS[Language.VI].texts}
    assert len(named) > 50
    assert named <= there, named - there


def test_every_role_has_a_name():
    assert all(pages.WORDS[Language.EN].has(f"role.{role}") for role in Role)


def test_every_template_compiles_and_has_no_style_or_script_of_its_own():
    names = pages._TEMPLATES.list_templates()
    assert {"base.html", "parts.html", "signing/sign_in.html", "start/start.html"} <= set(names)
    for name in names:
        pages._TEMPLATES.get_template(name)
        text, _, _ = pages._TEMPLATES.loader.get_source(pages._TEMPLATES, name)
        for forbidden in (
            r"\sstyle=",
            r"<style",
            r"\son[a-z]+=",
            r"<script(?! src=)",
            r"\|\s*safe\b",
            r"https?://",
        ):
            assert not re.search(forbidden, text), (name, forbidden)


def test_attributes_are_escaped():
    made = pages.attributes(
        {"data_key": '"><script>', "required": True, "hidden": False, "class_": "x", "title": None}
    )
    assert str(made) == ' data-key="&#34;&gt;&lt;script&gt;" required class="x"'
