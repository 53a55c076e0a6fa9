"""What the house rules look at: the project's own sources, as text and as syntax trees."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIMULATOR = "eprunes/antai/simulator/"


@dataclass(frozen=True)
class Module:
    """One Python file; `path` is relative to the project, with forward slashes."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def name(self) -> str:
        """The dotted name; a package is known by the name of its folder."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def is_core(self) -> bool:
        return self.path.startswith("eprunes/core/")

    @property
    def is_view(self) -> bool:
        file = self.path.rsplit("/", 1)[-1]
        return file == "views.py" or file.endswith("_views.py") or self.path == "eprunes/home.py"

    def at(self, node: ast.AST, fault: str) -> str:
        """A finding: where, and what to write instead."""
        return f"{self.path}:{node.lineno}: {fault}"

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))


def modules(*places: str, leaving_out: str | None = None) -> list[Module]:
    """Every Python file in these folders (or these files), in order."""
    found = []
    for place in places:
        start = ROOT / place
        for file in [start] if start.is_file() else sorted(start.rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if leaving_out is None or not path.startswith(leaving_out):
                found.append(_read(path))
    assert found, f"nothing to look at in {places}"
    return found


@cache
def _read(path: str) -> Module:
    """A file, read and parsed once however many rules look at it."""
    return Module(path, (ROOT / path).read_text(encoding="utf-8"))


def product(*, with_simulator: bool = True) -> list[Module]:
    """The product itself, its entry point, its demo and its measures."""
    leaving_out = None if with_simulator else SIMULATOR
    return modules("eprunes", "demo", "bench", "wsgi.py", leaving_out=leaving_out)


def refuse(findings: Iterable[str]) -> None:
    """Fail with every finding on its own line."""
    findings = list(findings)
    assert not findings, "\n" + "\n".join(findings)


def dotted(node: ast.AST) -> str:
    """`a.b.c` as written; an empty string for anything that is no such chain."""
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return f"{start}.{node.attr}" if start else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def imported(module: Module) -> Iterator[tuple[ast.AST, str]]:
    """Every dotted name that a module imports, inside functions too; relative ones are made absolute."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    keep = len(parts) - node.level + (1 if module.path.endswith("/__init__.py") else 0)
    return ".".join(parts[:keep] + ([node.module] if node.module else []))
