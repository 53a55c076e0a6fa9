"""A view is four moves: load, validate, call one service, answer. And every route declares its permission."""

import ast
import inspect
from collections.abc import Mapping

import pytest
from flask import Flask

from eprunes.accounts.guard import UNGUARDED_ENDPOINTS
from eprunes.accounts.permissions import Permission, public, requires
from tests.house.sources import ROOT, Module, dotted, imported, product, refuse

LONGEST_VIEW = 15
ROUTES = {"route", "get", "post", "put", "patch", "delete"}
DATABASE_WORDS = {"select", "insert", "update", "delete", "commit", "execute", "scalars", "scalar", "flush"}


def breaches(module: Module) -> list[str]:
    """What a file of views never holds."""
    found = [
        module.at(node, f"{name}: a view imports no SQLAlchemy; move the query into queries.py")
        for node, name in imported(module)
        if name.split(".")[0] in ("sqlalchemy", "flask_sqlalchemy")
    ]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Try):
            found.append(module.at(node, "no try in views: let the service refuse, within `with refusals_on(form)`"))
        if isinstance(node, ast.Call) and _is_database_call(node):
            found.append(module.at(node, f"{dotted(node.func)}(): reads belong to queries.py, changes to services.py"))
        if isinstance(node, ast.FunctionDef) and _is_route(node) and _length(node) > LONGEST_VIEW:
            found.append(module.at(node, f"{node.name} has {_length(node)} lines, {LONGEST_VIEW} at most: split it"))
    return found


def _is_database_call(call: ast.Call) -> bool:
    *owner, last = dotted(call.func).split(".")
    if last in ROUTES and owner and owner[-1].endswith("blueprint"):
        return False
    return last in DATABASE_WORDS and (not owner or "session" in owner[-1] or owner[-1] in ("reading", "db"))


def _is_route(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr in ROUTES
        for mark in function.decorator_list
    )


def _length(function: ast.FunctionDef) -> int:
    """Lines of the body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def undeclared(views: Mapping) -> list[str]:
    """Routes that say nothing of who may come in."""
    found = []
    for endpoint, view in sorted(views.items()):
        if endpoint in UNGUARDED_ENDPOINTS:
            continue
        declared = getattr(view, "required_permission", view)
        if declared is not None and not isinstance(declared, Permission):
            code = inspect.unwrap(view).__code__
            place = code.co_filename.removeprefix(f"{ROOT}/")
            found.append(f"{place}:{code.co_firstlineno}: {endpoint}: add @requires(Permission.…) or @public")
    return found


def test_views_hold_four_moves_and_nothing_else():
    refuse(fault for module in product(with_simulator=False) if module.is_view for fault in breaches(module))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_every_route_declares_its_permission(installed_app):
    assert len(installed_app.view_functions) > len(UNGUARDED_ENDPOINTS)
    refuse(undeclared(installed_app.view_functions))


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (1, "from sqlalchemy import select"),
        (2, "def helper():\n    import sqlalchemy.orm"),
        (2, "def helper(form):\n    try:\n        save(form)\n    except ValueError:\n        pass"),
        (1, "rows = reading().scalars(query)"),
        (1, "rows = select(Vehicle)"),
        (1, "session.commit()"),
        (1, "db.session.execute(query)"),
        (2, "@blueprint.get('/')\ndef home():\n" + "    work()\n" * 16),
        (2, "@pages.blueprint.route('/')\ndef home():\n    '''One line.'''\n" + "    work()\n" * 16),
    ],
)
def test_a_fifth_move_is_found(line, source):
    [fault] = breaches(Module("eprunes/fleet/views.py", source))
    assert fault.startswith(f"eprunes/fleet/views.py:{line}: ")


@pytest.mark.parametrize(
    "source",
    [
        "@blueprint.get('/')\ndef home():\n    '''One\n\n    line.'''\n" + "    work()\n" * 15,
        "@blueprint.delete('/')\ndef home():\n    pass",
        "found = pages.select(form)",
        "def helper():\n" + "    work()\n" * 30,
    ],
)
def test_a_view_of_four_moves_is_not(source):
    assert breaches(Module("eprunes/fleet/views.py", source)) == []


def test_a_route_without_a_permission_is_found():
    app = Flask("planted")

    @app.get("/declared")
    @requires(Permission.ENTER)
    def declared(): ...

    @app.get("/open")
    @public
    def everyone(): ...

    @app.get("/forgotten")
    def forgotten(): ...

    [fault] = undeclared(app.view_functions)
    assert fault.startswith("tests/house/test_views.py:")
    assert "forgotten: add @requires" in fault
