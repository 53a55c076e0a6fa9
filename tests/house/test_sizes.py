"""Files and functions stay small enough to be read in one go; tables of test data may run on."""

import ast

import pytest

from tests.house.sources import Module, product, refuse

LONGEST_MODULE = 400
LONGEST_FUNCTION = 40
EXCEPTIONS: dict[str, str] = {}
"""`path` or `path:function` → why it may be longer."""


def breaches(module: Module) -> list[str]:
    """What has grown beyond the limits."""
    found = []
    lines = len(module.source.splitlines())
    if lines > LONGEST_MODULE and module.path not in EXCEPTIONS:
        found.append(f"{module.path}:{LONGEST_MODULE}: {lines} lines, a second module wants a name")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            if length > LONGEST_FUNCTION and f"{module.path}:{node.name}" not in EXCEPTIONS:
                found.append(module.at(node, f"{node.name} has {length} lines, a step of it wants a name"))
    return found


def test_modules_and_functions_stay_small():
    refuse(fault for module in product() for fault in breaches(module))


def test_every_exception_is_still_needed():
    everything = {module.path: module for module in product()}
    for name in EXCEPTIONS:
        path, _, function = name.partition(":")
        assert path in everything, f"{name}: gone, strike it off"
        assert function in everything[path].source, f"{name}: gone, strike it off"


@pytest.mark.parametrize(
    ("source", "line"),
    [("x = 1\n" * 401, 400), ("y = 1\ndef long():\n" + "    x = 1\n" * 40, 2)],
    ids=["module", "function"],
)
def test_what_has_grown_too_long_is_found(source, line):
    [fault] = breaches(Module("eprunes/fleet/services.py", source))
    assert fault.startswith(f"eprunes/fleet/services.py:{line}: ")


@pytest.mark.parametrize("source", ["x = 1\n" * 400, "def long():\n" + "    x = 1\n" * 39], ids=["module", "function"])
def test_what_stands_at_the_limit_is_not(source):
    assert breaches(Module("eprunes/fleet/services.py", source)) == []
