from __future__ import annotations

import pytest

from simcheck.errors import NotFoundError
from simcheck.web.saved import media_type, saved


def test_files_of_answers_are_saved_and_kept_by_nobody():
    answer = saved("copy.json", media_type("copy.json"), b"{}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="copy.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert media_type("looked.html") == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", ["copy.exe", "../copy.json", "copy.json\n", ""])
def test_what_is_no_file_of_an_answer(name):
    with pytest.raises(NotFoundError):
        media_type(name)
