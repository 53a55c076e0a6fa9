"""Every promise of the service contract that the product keeps is named by a test that proves it."""

import ast
import re

import pytest

from tests.house.sources import Module, modules, refuse

PROMISES = (
    *("C1-a", "C1-b", "C3.1", "C3.2-a", "C3.2-b", "C3.2-c", "C3.4", "C4.1-a", "C4.2"),
    *("C4.3-a", "C4.3-b", "C4.3-c", "C4.3-d", "C4.3-e", "C4.3-f", "C7-a", "C12.3-a", "C12.3-d"),
    *("C3.3-a", "C3.3-b", "C3.3-c", "C3.3-d", "C9-a", "C11"),
)
KEY = re.compile(r"\bC\d+(?:\.\d+)?(?:-[a-z])?(?![\w-]|\.\d)")


def promises_named(tests: list[Module]) -> set[str]:
    """The keys in the docstrings of test functions."""
    return {
        key
        for module in tests
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for key in KEY.findall(ast.get_docstring(node) or "")
    }


def test_every_promise_is_named_by_a_test():
    named = promises_named(modules("tests", leaving_out="tests/house/"))
    refuse(
        f"tests: {key}: put this key in the docstring of the test that proves it"
        for key in PROMISES
        if key not in named
    )


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ('def test_x():\n    """C4.3-e, decision 3."""', {"C4.3-e"}),
        ('def test_x():\n    """C3.1 and C12.3-a: both."""', {"C3.1", "C12.3-a"}),
        ('def helper():\n    """C4.3-e"""', set()),
        ('"""C4.3-e"""\ndef test_x(): ...', set()),
        ('def test_x():\n    """C4.3-ee, XC3.1"""', set()),
    ],
)
def test_only_the_docstring_of_a_test_names_a_promise(source, named):
    assert promises_named([Module("tests/test_planted.py", source)]) == named
