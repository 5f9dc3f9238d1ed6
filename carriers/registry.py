"""The carriers there are: a directory each beside this file, and third parties by entry point.

A third party names, in the entry point group `simcheck.carriers`, under the carrier's code, either a
callable that returns an `Adapter`, or a directory with a `carrier.toml` (a path, or a package).
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from carriers.adapter import ProfileAdapter
from carriers.base import Adapter
from carriers.profile import FILE_NAME, load
from simcheck.errors import UsageError

GROUP = "simcheck.carriers"
BUILT_IN = Path(__file__).parent


def codes() -> list[str]:
    """The codes of all carriers, in alphabetical order. Raises UsageError when one is given twice."""
    return sorted({*_built_in(), *_third_party()})


def adapter(code: str) -> Adapter:
    """The adapter of a carrier. Raises UsageError for an unknown code, or one that cannot be loaded."""
    built_in, third_party = _built_in(), _third_party()
    if code in built_in:
        return ProfileAdapter(load(built_in[code]))
    if code in third_party:
        return _load(third_party[code])
    raise UsageError(f"There is no carrier {code}. Known are: {', '.join(sorted({*built_in, *third_party}))}")


def _built_in() -> dict[str, Path]:
    return {file.parent.name: file.parent for file in BUILT_IN.glob(f"*/{FILE_NAME}")}


def _third_party() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    built_in = _built_in()
    for point in entry_points(group=GROUP):
        if point.name in built_in or found.setdefault(point.name, point).value != point.value:
            raise UsageError(
                f"{_origin(point)}: the carrier {point.name} is already there. Choose another code"
            )
    return found


def _origin(point: EntryPoint) -> str:
    return f"The package {point.dist.name}" if point.dist is not None else f"The entry point {point.value}"


def _load(point: EntryPoint) -> Adapter:
    try:
        given = point.load()
        if isinstance(given, ModuleType):
            given = Path(str(given.__file__)).parent
        elif callable(given):
            given = given()
    except UsageError:
        raise
    except Exception as error:  # whatever a third party's code raises, the user needs to know whose it is
        cause = f"cannot be loaded ({type(error).__name__})"
        raise UsageError(f"{_origin(point)}: the carrier {point.name} {cause}. Mend or remove it") from error
    found: Adapter = ProfileAdapter(load(Path(given))) if isinstance(given, str | Path) else given
    code = getattr(getattr(found, "profile", None), "code", None)
    if code != point.name:
        raise UsageError(f"{_origin(point)}: gives no adapter of the carrier {point.name}. Mend or remove it")
    return found
