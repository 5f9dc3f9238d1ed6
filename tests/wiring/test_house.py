"""The rules of the house, held over every file: imports, sizes, docstrings, what may be printed or named."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

import carriers
import generator
import jobs
import simcheck

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("simcheck", "carriers", "generator", "jobs")
MODULE_LINES, FUNCTION_LINES = 500, 60
# Functions that may be longer, each with the reason why cutting it would make it harder to read.
LONG_FUNCTIONS: dict[str, str] = {}
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """The calls in a module, each with the name of what is called."""
    return [(ast.unparse(node.func), node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]


def definitions(body: list[ast.stmt], inside: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield f"{inside}.{node.name}", node
            yield from definitions(node.body, f"{inside}.{node.name}")


def test_imports_point_where_they_may():
    """All contracts of pyproject.toml. What import-linter prints is the reason of a failure."""
    said = io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(said):
        code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert code == 0, said.getvalue()


def test_a_wrong_import_would_be_seen(tmp_path, monkeypatch):
    """The same tool on a package that breaks its layers: so the test above can fail."""
    for name, content in {"__init__": "", "low": "import wrongway.high", "high": ""}.items():
        path = tmp_path / "wrongway" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    (tmp_path / "contracts.toml").write_text(
        '[tool.importlinter]\nroot_package = "wrongway"\n[[tool.importlinter.contracts]]\n'
        'name = "layers"\ntype = "layers"\nlayers = ["wrongway.high", "wrongway.low"]\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        assert lint_imports(config_filename=str(tmp_path / "contracts.toml"), no_cache=True) != 0


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name_of)
def test_a_module_can_be_read_in_one_go(path):
    assert len(path.read_text("utf-8").splitlines()) <= MODULE_LINES


def test_most_modules_keep_to_the_aim():
    """About 300 lines is the aim; a few may go beyond it."""
    long = [name_of(path) for path in SOURCES if len(path.read_text("utf-8").splitlines()) > 300]
    assert len(long) <= len(SOURCES) // 10, long


def test_functions_are_short():
    found = {
        name: node.end_lineno - node.lineno + 1  # type: ignore[operator]
        for path in SOURCES
        for name, node in definitions(tree(path).body, name_of(path))
        if isinstance(node, Function)
    }
    too_long = {name for name, lines in found.items() if lines > FUNCTION_LINES}
    assert too_long <= set(LONG_FUNCTIONS), {name: found[name] for name in too_long}
    assert set(LONG_FUNCTIONS) <= too_long, "an exception that is not needed any more"


def test_everything_public_says_what_it_is():
    silent = []
    for path in SOURCES:
        module = tree(path)
        if module.body and not ast.get_docstring(module):
            silent.append(name_of(path))
        for name, node in definitions(module.body, name_of(path)):
            inside = name.removeprefix(name_of(path)).split(".")[1:]
            overload = any("overload" in ast.unparse(each) for each in node.decorator_list)
            outer = outside(module, node)
            nested = any(isinstance(each, Function) for each in outer)
            if any(part.startswith("_") for part in inside) or overload or nested:
                continue
            if not ast.get_docstring(node) and not is_protocol_member(outer):
                silent.append(name)
    assert silent == []


def outside(module: ast.Module, wanted: Function | ast.ClassDef) -> list[Function | ast.ClassDef]:
    """The classes and functions that `wanted` stands in, the outermost first."""
    body: list[ast.stmt] = module.body
    found = []
    while wanted not in body:
        [around] = [
            each
            for each in body
            if isinstance(each, Function | ast.ClassDef)
            and each.lineno < wanted.lineno <= (each.end_lineno or 0)
        ]
        found.append(around)
        body = around.body
    return found


def is_protocol_member(outer: list[Function | ast.ClassDef]) -> bool:
    """A member of a Protocol is described by its class."""
    inside = [each for each in outer if isinstance(each, ast.ClassDef)]
    return bool(inside) and any("Protocol" in ast.unparse(base) for base in inside[-1].bases)


def test_library_code_does_not_print():
    """Only the doors speak: the commands and their terminal."""
    doors = {"simcheck.cli", "simcheck.terminal"}
    printing = {
        name_of(path)
        for path in SOURCES
        for name, _ in calls(path)
        if name in {"print", "typer.echo", "sys.stdout.write", "sys.stderr.write"}
        and not name_of(path).startswith("simcheck.commands.")
    }
    assert printing <= doors


def test_loops_are_compiled_in_one_place():
    """Every compiled loop is a `kernel`: numba is named in kernels.py alone."""
    naming = {name_of(path) for path in SOURCES if in_code(r"\bnumba\b", path)}
    assert naming == {"simcheck.normalise.kernels"}


def in_code(pattern: str, path: Path) -> bool:
    """Whether something stands in a module's source, its comments and docstrings left out."""
    source = path.read_text("utf-8")
    if not re.search(pattern, source):
        return False
    module = ast.parse(source)
    for node in ast.walk(module):
        if isinstance(node, ast.Module | Function | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return re.search(pattern, ast.unparse(module)) is not None


def kernels() -> dict[str, Dispatcher]:
    found = {}
    for package in (simcheck, carriers, generator, jobs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name == "simcheck.migrations.env":  # runs when it is loaded: Alembic's to do
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Dispatcher):
                    found[f"{value.py_func.__module__}.{name}"] = value
    return found


def test_kernels_are_cached_and_leave_the_interpreter_alone():
    found = kernels()
    assert len(found) > 30
    for name, each in found.items():
        assert isinstance(each._cache, FunctionCache), name
        assert each.targetoptions.get("nogil") is True, name
        assert each.targetoptions.get("nopython") is True, name


def shipped() -> list[Path]:
    """Every file that is, or will be, in the repository."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    if not any(names):  # an unpacked source archive
        names = [
            str(path.relative_to(ROOT))
            for part in (*PACKAGES, "tests", "docs")
            for path in (ROOT / part).rglob("*")
        ]
    return [path for name in sorted(set(names)) if name and (path := ROOT / name).is_file()]


# Put together here, so that this file does not hold what it looks for.
FORBIDDEN = {
    "a path of one machine": re.compile("(?<![\\w.])/" + "(?:work|home|root|tmp|Users)" + "/[\\w.]"),
    "the host of a package registry": re.compile(
        "|".join(["pypi[.]" + "org", "python" + "hosted[.]", "registry[.]npm" + "js", "proxy[.]go" + "lang"])
        + "|index-" + "url[ =]+[a-z]+:",
        re.IGNORECASE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what):
    naming = []
    for path in shipped():
        if path.suffix in {".parquet", ".xlsx", ".gz", ".zst", ".png"}:
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        naming += [f"{path.relative_to(ROOT)}: {found[0]}" for found in FORBIDDEN[what].finditer(text)]
    assert naming == []


def test_the_source_is_listed_at_all():
    """Else the tests above would look at nothing."""
    listed = {path.relative_to(ROOT).as_posix() for path in shipped()}
    assert {"pyproject.toml", "simcheck/cli.py", "tests/wiring/test_house.py"} <= listed
    assert len(SOURCES) > 50


def test_tests_mirror_the_source():
    """A test file of the core stands where the module stands that it tests."""
    allowed = {"simcheck/mangling.py"}
    for path in (ROOT / "tests" / "simcheck").rglob("*.py"):
        place = path.relative_to(ROOT / "tests")
        if place.as_posix() in allowed or path.name == "conftest.py":
            continue
        tested = ROOT / place.parent / f"{path.stem.removeprefix('test_')}.py"
        assert tested.is_file(), place
