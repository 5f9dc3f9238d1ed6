from __future__ import annotations

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simcheck import log

PERSONAL = [
    "001099012345",
    "+84912345678",
    "Nguyễn Thị Hoà",
    "an@example.vn",
    "Trần Văn An 1990-01-02",
    "0912345678",
]


@pytest.fixture
def lines():
    """Sets up the log; calling it gives the lines so far."""
    stream, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers, root.level
    log.setup(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    log.unbind()
    root.handlers, root.level = before, level


def test_a_line_is_json_with_known_fields(lines):
    log.bind(client="viettel-1", request_id="0b0e6a34-93a5-4c1d-8d2e-0a3a0f5c9a77")
    log.logger().info("request", route="/v1/batches/{batch}", status=200, seconds=0.25)
    [line] = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request", "level": "info", "client": "viettel-1", "route": "/v1/batches/{batch}",
        "status": 200,
        "request_id": "0b0e6a34-93a5-4c1d-8d2e-0a3a0f5c9a77", "seconds": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize("value", PERSONAL)
def test_personal_data_does_not_get_in(lines, value):
    for name in log.FIELDS:
        log.logger().info("x", **{name: value})
    log.logger().info("x", full_name=value)
    log.logger().info("x", rows=int("".join(filter(str.isdigit, value)) or 0))
    logging.getLogger("some.library").warning("cannot insert %s", value)
    logging.getLogger("some.library").error(f"cannot insert {value}")
    try:
        raise ValueError(value)
    except ValueError as error:
        log.logger().error("defect", exc_info=error)
        logging.getLogger("some.library").exception("bad")
    said = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) == len(log.FIELDS) + 6
    assert value not in said
    digits = "".join(filter(str.isdigit, value))
    assert len(digits) < 9 or digits not in said


@given(st.from_regex(r"[0-9+. ()-]{9,16}", fullmatch=True), st.sampled_from(sorted(log.FIELDS)))
def test_no_run_of_digits_gets_in(value, name):
    event = log._only_known_fields(None, "info", {"event": "x", name: value})
    if sum(map(str.isdigit, value)) >= 7 and name != "listen":
        assert event[name] == "?"


def test_an_unknown_field_is_named_and_left_out(lines):
    log.logger().info("x", rows=3, password="hunter2")
    [line] = lines()
    assert line["rows"] == 3
    assert line["dropped"] == ["password"]
    assert "hunter2" not in json.dumps(line)


def test_an_error_is_told_by_its_kind_and_place(lines):
    try:
        int("x")
    except ValueError as error:
        log.logger().error("job failed", exc_info=error)
    [line] = lines()
    assert line["error"] == "ValueError"
    assert line["where"].startswith("test_log.py:")


def test_a_library_is_told_by_its_place(lines):
    logging.getLogger("some.library").warning("Running as root")
    [line] = lines()
    assert line["event"] == "library"
    assert line["logger"] == "some.library"
    assert line["level"] == "warning"
    assert line["where"].startswith("test_log.py:")
