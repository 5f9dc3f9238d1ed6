from __future__ import annotations

from pathlib import Path

import pytest

from simcheck.errors import FileRefusedError, OutputError, SimcheckError, UsageError


def test_a_refused_file_names_the_file_the_cause_and_the_remedy():
    error = FileRefusedError("a/b.csv", "is empty", "Send it again.")
    assert (error.path, error.cause, error.remedy) == (Path("a/b.csv"), "is empty", "Send it again.")
    assert str(error) == "a/b.csv: is empty. Send it again."


@pytest.mark.parametrize("kind", [FileRefusedError, OutputError, UsageError])
def test_what_a_person_can_mend_ends_with_2(kind):
    assert issubclass(kind, SimcheckError)
    assert kind.exit_code == 2
