"""Bodies with a field for every column there is: what no form asks for changes nothing (mass assignment)."""

import pytest
from sqlalchemy import LargeBinary, Table, inspect, select
from sqlalchemy.orm import Mapper

from eprunes.core.database import Base, TenantScoped, platform_session, tenant_session
from tests.house.test_matrix import ADMIN, BOTH, FINES, FLEET, OPERATOR, contents, people  # noqa: F401
from tests.support.routes import calls
from tests.support.worlds import World, make_world

PROTECTED = {
    "organisations": None,
    "order_forms": None,
    "vehicle_counts": {"organisation_id", "id"},
    "users": {"organisation_id", "id", "email", "is_administrator", "created_at"},
    "identities": {"id", "email", "kind", "organisation_id", "user_id", "password_hash", "totp_box", "created_at"},
}
"""Tables that no form of a client writes, and columns of others that no form writes; None: every column."""


def poison(victim: World) -> dict[str, str]:
    """A value for every column of every model: another client's id wherever an id fits."""
    body = {}
    for mapper in Base.registry.mappers:
        for column in mapper.local_table.columns:
            if isinstance(column.type, LargeBinary):
                continue
            body[column.name] = str(victim.organisation_id) if column.name.endswith("id") else "1"
    return body | {"is_administrator": "y", "kind": "exploitant", "role": "administrateur", "state": "actif"}


def protected_rows(worlds: list[World]) -> dict[str, list]:
    """What the protected columns hold, for these clients."""
    found = {}
    for name, columns in PROTECTED.items():
        table = Base.metadata.tables[name]
        wanted = [column for column in table.columns if columns is None or column.name in columns]
        found[name] = [row for one in worlds for row in _read(table, wanted, one)]
    return found


def _read(table: Table, columns: list, world: World) -> list[tuple]:
    model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
    attributes = [getattr(model, inspect(model).get_property_by_column(column).key) for column in columns]
    query = select(*attributes).order_by(*attributes[:1])
    if issubclass(model, TenantScoped):
        with tenant_session(world.organisation_id) as session:
            return [tuple(row) for row in session.execute(query.where(model.organisation_id == world.organisation_id))]
    with platform_session("tests") as session:
        return [tuple(row) for row in session.execute(query)]


def tenant_rows(world: World) -> dict[str, int]:
    """How many rows each tenant table holds of one client."""
    counted = {}
    for mapper in _tenant_mappers():
        with tenant_session(world.organisation_id) as session:
            query = select(mapper.class_.id).where(mapper.class_.organisation_id == world.organisation_id)
            counted[mapper.local_table.name] = len(session.execute(query).all())
    return counted


def _tenant_mappers() -> list[Mapper]:
    return [mapper for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantScoped)]


@pytest.mark.parametrize("role", [FLEET, FINES, BOTH, ADMIN, OPERATOR])
def test_a_body_with_every_column_changes_nothing_that_no_form_asks_for(app, world, people, role):  # noqa: F811
    """Self-promotion, a change of client, a quota of one's own: none of it by adding fields to a form."""
    ids = contents(world)
    victim = make_world(1)
    contents(victim)
    before, theirs = protected_rows([world, victim]), tenant_rows(victim)
    for endpoint, method, path in calls(app, ids):
        if method == "POST" and endpoint not in LEGITIMATE:
            people[role].post(path, data=poison(victim))
    assert protected_rows([world, victim]) == before
    assert tenant_rows(victim) == theirs


LEGITIMATE = {"accounts.sign_out", "accounts.change_second_factor"}
"""The route that would end the sessions with which the others are tried; the one that proposes a new secret."""
