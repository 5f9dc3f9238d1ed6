"""Structured logs: one JSON object a line on standard error, and no way in for personal data.

A line holds an event (a constant of the code) and fields out of a fixed table, each with the one
shape that its value may have. A field that is not in the table is left out and named in `dropped`;
a value of the wrong shape becomes `?`. What libraries log is reduced to where it was said and the
kind of the error: their messages carry statements, addresses and arguments.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog

# A word of the code or of the settings, never a sentence, and no run of digits as in an ID or a phone number.
_WORD = re.compile(r"(?!.*\d{7})[A-Za-z_/<*][\w.,:/{}<>*+-]{0,199}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_HASH = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(?!.*\d{7})[\w.:\[\]-]{1,80}", re.ASCII)
_LIMIT = 10**8  # a count or a size above it is shortened: no number in a log is as long as a phone number

FIELDS: dict[str, re.Pattern[str] | type[float]] = {
    **dict.fromkeys(
        ("act", "carrier", "client", "code", "error", "invariant", "kind", "lake", "link", "logger", "method",
         "queue", "reason", "route", "state", "stream", "task", "version", "where"), _WORD),
    **dict.fromkeys(
        ("batch", "case", "feedback", "order", "register", "request_id", "run", "upload", "webhook"), _UUID),
    **dict.fromkeys(
        ("attempt", "bucket", "buckets", "bytes", "count", "job", "rows", "seconds", "seq", "status"), float),
    "hash": _HASH,
    "listen": _ADDRESS,
}  # fmt: skip
_ALWAYS = {"event", "level", "timestamp", "dropped", "_record", "_from_structlog"}


def _only_known_fields(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the fields of the table, in their shape."""
    kept: dict[str, Any] = {name: event[name] for name in _ALWAYS if name in event}
    error = event.pop("exc_info", None)
    if error:
        raised = error if isinstance(error, BaseException) else sys.exc_info()[1]
        if raised is not None:
            event["error"], event["where"] = type(raised).__name__, place_of(raised)
    dropped = []
    for name, value in event.items():
        if name in _ALWAYS:
            continue
        shape = FIELDS.get(name)
        if shape is None:
            dropped.append(name)
        elif value is not None:
            kept[name] = _shaped(value, shape)
    if dropped:
        kept["dropped"] = sorted(dropped)
    return kept


def _shaped(value: object, shape: re.Pattern[str] | type[float]) -> object:
    if isinstance(shape, re.Pattern):
        return str(value) if shape.fullmatch(str(value)) else "?"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "?"
    return round(value, 6) if abs(value) < _LIMIT else f"{value:.3g}"


def place_of(error: BaseException) -> str:
    """The file and line that raised, such as `engine.py:80`, without anything of its data."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"


def _of_a_library(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Reduce another library's record to its place and the kind of its error."""
    record: logging.LogRecord = event["_record"]
    reduced: dict[str, Any] = {
        **{name: event[name] for name in ("_record", "_from_structlog")},
        "event": "library",
        "logger": record.name,
        "where": f"{record.filename}:{record.lineno}",
    }
    if record.exc_info and record.exc_info[1] is not None:
        reduced["error"] = type(record.exc_info[1]).__name__
    return reduced


_COMMON: list[structlog.types.Processor] = [
    structlog.stdlib.add_log_level,
    _only_known_fields,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# Done when this module is loaded: structlog by itself prints errors with all their data.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        *_COMMON,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
)


def setup(stream: TextIO | None = None) -> None:
    """Send every log line of this process, ours and the libraries', to `stream` (standard error)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_of_a_library, *_COMMON],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in (
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "procrastinate",
        "sqlalchemy",
        "httpx",
        "alembic",
    ):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [], True
        library.setLevel(logging.WARNING)


def logger() -> structlog.stdlib.BoundLogger:
    """The log. The first argument of its methods is a constant string; fields are those of `FIELDS`."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("simcheck")
    return bound


@contextmanager
def timed(act: str) -> Iterator[None]:
    """Say how long the block took, when it has ended well."""
    began = time.monotonic()
    yield
    logger().info("step done", act=act, seconds=time.monotonic() - began)


def bind(**fields: object) -> None:
    """Add fields to every later line of this request or job."""
    structlog.contextvars.bind_contextvars(**fields)


def unbind() -> None:
    """Forget what `bind` added."""
    structlog.contextvars.clear_contextvars()
