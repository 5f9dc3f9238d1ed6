from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from carriers import registry
from carriers.adapter import ProfileAdapter
from simcheck.errors import UsageError

BUILT_IN = [
    "fpt", "generic", "gmobile", "itel", "local", "mobifone", "vietnamobile", "viettel", "vinaphone",
    "vnsky", "wintel",
]  # fmt: skip
TOML = (Path(registry.__file__).parent / "wintel" / "carrier.toml").read_text("utf-8")


def test_every_carrier_is_there_and_states_its_assumption():
    assert registry.codes() == BUILT_IN
    for code in BUILT_IN:
        profile = registry.adapter(code).profile
        assert profile.code == code
        assert len(profile.assumption) > 40


def test_the_four_that_a_toml_alone_describes_differ():
    profiles = [registry.adapter(code).profile for code in ("wintel", "local", "vnsky", "fpt")]
    for field in ("delimiter", "date_format", "headers", "values"):
        assert len({repr(getattr(profile, field)) for profile in profiles}) == 4, field


def test_an_unknown_code_lists_the_known_ones():
    with pytest.raises(UsageError, match=f"no carrier x. Known are: {', '.join(BUILT_IN)}"):
        registry.adapter("x")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution of a third party, as files on the path of modules."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def run(point: str, module: str = "", toml: str = "") -> None:
        name = f"dist{len(list(tmp_path.iterdir()))}"
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[simcheck.carriers]\n{point}\n")
        package = tmp_path / re.split(r"[=:. ]+", point)[1]
        package.mkdir(exist_ok=True)
        (package / "__init__.py").write_text(module)
        (package / "carrier.toml").write_text(toml, "utf-8")
        for loaded in [key for key in sys.modules if key == package.name]:
            monkeypatch.delitem(sys.modules, loaded)

    return run


ACME = TOML.replace('code = "wintel"', 'code = "acme"')
CALLABLE = """
from pathlib import Path
from carriers.adapter import ProfileAdapter
from carriers.profile import load
HERE = Path(__file__).parent
def adapter():
    return ProfileAdapter(load(HERE))
def broken():
    raise RuntimeError("0912345678")
"""


@pytest.mark.parametrize("point", ["acme = acme_a:adapter", "acme = acme_b:HERE", "acme = acme_c"])
def test_a_third_party_gives_a_callable_a_directory_or_a_package(install, read, tmp_path, point):
    install(point, CALLABLE, ACME)
    assert registry.codes() == sorted([*BUILT_IN, "acme"])
    adapter = registry.adapter("acme")
    assert isinstance(adapter, ProfileAdapter)
    assert adapter.profile.code == "acme"
    rows, _ = read("Phone,Customer Name,ID No,DOB,Sex\n1,Lê,2,3,Female\n".encode(), "acme")
    assert (rows[0]["msisdn"], rows[0]["gender"]) == ("1", "F")


def test_a_third_party_that_fails_is_named(install):
    install("acme = acme_d:broken", CALLABLE, ACME)
    with pytest.raises(
        UsageError, match=r"package dist\d: the carrier acme cannot be loaded \(RuntimeError\)"
    ) as caught:
        registry.adapter("acme")
    assert "0912345678" not in str(caught.value)
    assert registry.adapter("viettel").profile.code == "viettel"


def test_a_third_party_with_another_code_or_no_adapter_is_named(install):
    install("other = acme_e:adapter", CALLABLE, ACME)
    with pytest.raises(UsageError, match="gives no adapter of the carrier other"):
        registry.adapter("other")


def test_a_third_party_cannot_replace_a_carrier(install):
    install("viettel = acme_f:adapter", CALLABLE, ACME)
    with pytest.raises(UsageError, match="the carrier viettel is already there"):
        registry.codes()


def test_two_third_parties_cannot_share_a_code(install):
    install("acme = acme_g:adapter", CALLABLE, ACME)
    install("acme = acme_h:adapter", CALLABLE, ACME)
    with pytest.raises(UsageError, match="the carrier acme is already there"):
        registry.codes()
