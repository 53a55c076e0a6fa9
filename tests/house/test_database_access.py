"""The database is reached through tenant and platform sessions only, and changed by services only."""

import ast

import pytest

from tests.house.sources import SIMULATOR, Module, dotted, imported, modules, refuse

SESSIONS = "open a tenant_session or a platform_session"
BYPASSES = {
    "engine": "db.engine knows no tenant",
    "session": "db.session belongs to no organisation",
}
RAW_CALLS = {"connection", "raw_connection", "get_bind", "exec_driver_sql", "create_engine", "sessionmaker"}
RAW_NAMES = {"text", "literal_column", "TextClause", "create_engine", "Connection", "Engine"}
READERS = {"queries.py", "views.py", "forms.py"}
SCHEMA_TEXT = "models.py"
"""The conditions of partial indexes are text, and are no query."""


def breaches(module: Module) -> list[str]:
    """Ways round the sessions. Only core/ may have them."""
    if module.is_core:
        return []
    found = []
    for node, name in imported(module):
        parts = name.split(".")
        if parts[0] == "sqlalchemy" and _is_raw(parts, module):
            found.append(module.at(node, f"{name} goes round the tenant checks: {SESSIONS}"))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in (f"db.{name}" for name in BYPASSES):
            found.append(module.at(node, f"{BYPASSES[node.attr]}: {SESSIONS}"))
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr in RAW_CALLS:
            found.append(module.at(node, f".{node.func.attr}() goes round the tenant checks: {SESSIONS}"))
        if node.func.attr == "commit":
            found.append(module.at(node, ".commit(): leave the `with tenant_session(…, write=True)` block instead"))
        if node.func.attr == "add_all":
            found.append(module.at(node, ".add_all(): execute(insert(Model), rows) is one statement"))
    return found


def _is_raw(parts: list[str], module: Module) -> bool:
    if parts[-1] == "text" and module.path.rsplit("/", 1)[-1] == SCHEMA_TEXT:
        return False
    return parts[-1] in RAW_NAMES or (parts[:2] == ["sqlalchemy", "orm"] and parts[-1] in ("Session", "sessionmaker"))


def writing_readers(module: Module) -> list[str]:
    """Files that only read never open a session that writes."""
    if module.path.rsplit("/", 1)[-1] not in READERS and not module.is_view:
        return []
    return [
        module.at(call, "write=True: changes belong to services.py")
        for call in module.calls()
        if any(keyword.arg == "write" for keyword in call.keywords)
    ]


def rooms() -> list[Module]:
    return modules("eprunes", "demo", "wsgi.py", leaving_out=SIMULATOR)


def test_nothing_goes_round_the_sessions():
    refuse(fault for module in rooms() for fault in breaches(module))


def test_queries_views_and_forms_never_write():
    refuse(fault for module in rooms() for fault in writing_readers(module))


@pytest.mark.parametrize(
    "source",
    [
        "with db.engine.connect(): pass",
        "rows = db.session.scalars(query)",
        "session.connection().execute(query)",
        "session.get_bind()",
        "from sqlalchemy import select, text",
        "from sqlalchemy.sql import text",
        "from sqlalchemy import literal_column",
        "from sqlalchemy import create_engine",
        "from sqlalchemy.orm import Session",
        "from sqlalchemy.orm import sessionmaker",
        "session.commit()",
        "session.add_all(rows)",
    ],
)
def test_a_way_round_the_sessions_is_found(source):
    faults = breaches(Module("eprunes/fleet/services.py", source))
    assert len(faults) == 1
    assert faults[0].startswith("eprunes/fleet/services.py:1: ")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("eprunes/core/database.py", "db.engine.raw_connection()"),
        ("eprunes/fleet/models.py", "from sqlalchemy import Index, text"),
        ("eprunes/fleet/services.py", "from sqlalchemy import select, update"),
        ("eprunes/fleet/services.py", "from eprunes.core.words import text"),
        ("eprunes/fleet/services.py", "session.scalars(query)"),
    ],
)
def test_a_way_through_the_sessions_is_not(path, source):
    assert breaches(Module(path, source)) == []


@pytest.mark.parametrize("file", ["queries.py", "views.py", "driver_views.py", "forms.py"])
def test_a_reader_that_writes_is_found(file):
    source = "def f():\n    with tenant_session(own, write=True): pass"
    [fault] = writing_readers(Module(f"eprunes/fleet/{file}", source))
    assert fault.startswith(f"eprunes/fleet/{file}:2: ")
    assert writing_readers(Module("eprunes/fleet/services.py", source)) == []
