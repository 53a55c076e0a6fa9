"""`.env.example` names every setting that the program reads, and no other."""

import ast
import re

import pytest

from tests.house.sources import ROOT, Module, modules, product, refuse

SETTING = re.compile(r"EPRUNES_[A-Z_]+")
READER = "eprunes/core/config.py"
LINE = re.compile(r"^#? ?(EPRUNES_[A-Z_]+)=(.*)$", re.MULTILINE)


def settings_read(module: Module) -> dict[str, int]:
    """Names of the settings that a module asks the environment for, with their line."""
    keys_of_flask = {
        id(node.slice)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in ("config", "extensions")
    }
    found = {
        node.value: node.lineno
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SETTING.fullmatch(node.value)
        and id(node) not in keys_of_flask
    }
    if module.path == READER:
        for call in module.calls():
            if isinstance(call.func, ast.Name) and call.func.id == "value":
                found[f"EPRUNES_{call.args[0].value}"] = call.lineno
    return found


def missing(module: Module, example: str) -> list[str]:
    """Settings that a module reads and the example doesn't name."""
    named = {name for name, _ in LINE.findall(example)}
    return [
        f"{module.path}:{line}: {name}: describe it in .env.example"
        for name, line in settings_read(module).items()
        if name not in named
    ]


@pytest.fixture
def example() -> str:
    return (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_example_names_every_setting(example):
    refuse(fault for module in product() for fault in missing(module, example))


def test_the_example_names_no_setting_that_nobody_reads(example):
    read = {name for module in product() for name in settings_read(module)}
    assert {name for name, _ in LINE.findall(example)} <= read


def test_every_setting_of_the_example_is_explained(example):
    """A comment in French stands above each."""
    blocks = [block for block in example.split("\n\n") if LINE.search(block)]
    assert blocks
    for block in blocks:
        first = block.strip().splitlines()[0]
        assert first.startswith("# "), f".env.example: explain {first}"
        assert not LINE.match(first), f".env.example: explain {first}"


def test_the_settings_are_read_in_one_place():
    """Only the demo, which starts the programs, also reads a few of its own."""
    refuse(
        f"{module.path}: reads {', '.join(settings_read(module))}: take it from Settings"
        for module in modules("eprunes")
        if module.path not in (READER, "eprunes/antai/simulator/__main__.py") and settings_read(module)
    )


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("demo/run.py", "\nos.environ['EPRUNES_NEW']"),
        ("eprunes/core/config.py", "\nvalue('NEW')"),
        ("eprunes/core/config.py", "\nvalue('NEW', 'default')"),
    ],
)
def test_a_setting_that_the_example_forgets_is_found(path, source):
    assert missing(Module(path, source), "# Explained\nEPRUNES_OLD=1\n") == [
        f"{path}:2: EPRUNES_NEW: describe it in .env.example"
    ]
    assert missing(Module(path, source), "# Explained\n# EPRUNES_NEW=1\n") == []


def test_a_key_of_flask_is_no_setting():
    assert settings_read(Module("eprunes/web.py", "app.config['EPRUNES_COOKIE']")) == {}
