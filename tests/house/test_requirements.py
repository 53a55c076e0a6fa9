"""What the program imports is pinned, and what is pinned is used."""

import re
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.house.sources import ROOT, Module, imported, modules, product, refuse

OURS = {"eprunes", "demo", "bench", "tests"}
USED_WITHOUT_IMPORT = {"gunicorn", "psycopg", "tzdata", "pytest-xdist", "ruff"}
"""A server, a database driver, time zones for machines without them, and tools that are run."""
PIN = re.compile(r"^([A-Za-z0-9-]+)(?:\[[a-z]+\])?==[\w.]+$")


def pinned(text: str) -> set[str]:
    """The packages of a requirements file, in lower case. Raises AssertionError on a loose version."""
    lines = [line for line in text.splitlines() if line and not line.startswith("-r ")]
    for line in lines:
        assert PIN.match(line), f"{line}: pin one exact version"
    return {PIN.match(line)[1].lower() for line in lines}


def needed(sources: list[Module]) -> dict[str, str]:
    """Third-party packages that these sources import, each with one place."""
    packages = packages_distributions()
    found = {}
    for module in sources:
        for node, name in imported(module):
            top = name.split(".")[0]
            if top and top not in OURS and top not in sys.stdlib_module_names:
                for package in packages.get(top, [top])[:1]:
                    found.setdefault(package.lower().replace("_", "-"), f"{module.path}:{node.lineno}")
    return found


@pytest.fixture
def files() -> tuple[set[str], set[str]]:
    read = [(ROOT / name).read_text(encoding="utf-8") for name in ("requirements.txt", "requirements-dev.txt")]
    return pinned(read[0]), pinned(read[1])


def test_everything_that_is_imported_is_pinned(files):
    run, develop = files
    own = product() + modules("migrations/env.py")
    refuse(
        f"{place}: pin {package} in requirements.txt" for package, place in needed(own).items() if package not in run
    )
    tests = needed(modules("tests"))
    refuse(
        f"{place}: pin {package} in requirements-dev.txt"
        for package, place in tests.items()
        if package not in run | develop
    )


def test_everything_that_is_pinned_is_used(files):
    run, develop = files
    used = {*needed(product() + modules("migrations/env.py")), *USED_WITHOUT_IMPORT}
    refuse(f"requirements.txt: nobody imports {package}" for package in sorted(run - used))
    used |= needed(modules("tests")).keys()
    refuse(f"requirements-dev.txt: nobody imports {package}" for package in sorted(develop - used))


def test_an_import_that_is_not_pinned_is_found():
    planted = Module("eprunes/planted.py", "import os\nimport unheard_of.thing\nfrom eprunes import core")
    assert needed([planted]) == {"unheard-of": "eprunes/planted.py:2"}


@pytest.mark.parametrize("line", ["flask", "flask>=3", "flask==3.*", "flask~=3.1"])
def test_a_loose_version_is_found(line):
    with pytest.raises(AssertionError, match="pin one exact version"):
        pinned(line)
    assert pinned("-r requirements.txt\npsycopg[binary]==3.3.9\nuuid6==2025.0.1") == {"psycopg", "uuid6"}
