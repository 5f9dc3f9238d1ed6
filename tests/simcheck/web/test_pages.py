from __future__ import annotations

from simcheck.web.pages import Assets


def test_names_of_files_change_with_their_content(monkeypatch):
    assets = Assets("/assets/", "simcheck.public")
    name = assets.names["style.css"]
    assert name.startswith("style-")
    assert name.endswith(".css")
    assert assets.path("style.css") == f"/assets/{name}"
    changed = Assets("/assets/", "simcheck.public")
    monkeypatch.setattr(changed, "_read", {"style.css": (b"other", "text/css")})
    assert changed.names["style.css"] != name


def test_a_file_is_answered_by_the_name_of_its_content_alone():
    assets = Assets("/assets/", "simcheck.public", "simcheck.web")
    answer = assets.answer(assets.names["icon.svg"])
    assert answer is not None
    assert answer.media_type == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    for name in ("icon.svg", "words.toml", "../words.toml", ""):
        assert assets.answer(name) is None
