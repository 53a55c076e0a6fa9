"""Other clients by the thousand around the one that is measured: copies of its people and of a part of its fleet."""

from contextlib import closing
from uuid import UUID

import psycopg
from sqlalchemy import Column, Uuid

from bench.installations import tidy
from eprunes.accounts.models import Identity, OrderForm, Organisation, User, UserSession, VehicleCount
from eprunes.core.audit import AuditEntry
from eprunes.core.database import Base, db
from eprunes.fleet.models import Assignment, Driver, Vehicle

_VEHICLES = "SELECT id FROM vehicles WHERE organisation_id = %(own)s ORDER BY plate_key LIMIT %(each)s"
_HELD = f"FROM assignments WHERE organisation_id = %(own)s AND vehicle_id IN ({_VEHICLES})"
_OWN = "one.organisation_id = %(own)s"
_COPIED: dict[type[Base], str] = {
    Organisation: "one.id = %(own)s",
    OrderForm: _OWN,
    VehicleCount: _OWN,
    User: _OWN,
    Identity: _OWN,
    UserSession: "one.identity_id IN (SELECT id FROM identities WHERE organisation_id = %(own)s)",
    Driver: f"{_OWN} AND one.id IN (SELECT driver_id {_HELD})",
    Vehicle: f"{_OWN} AND one.id IN ({_VEHICLES})",
    Assignment: f"{_OWN} AND one.id IN (SELECT id {_HELD})",
    AuditEntry: f"{_OWN} AND one.subject_id IN ({_VEHICLES})",
}
"""Which rows each of the others gets a copy of."""
_VALUES = {
    "organisations.id": "another.id",
    "organisations.number": "left(another.id::text, 20)",
    "identities.email": "another.id || one.email",
    "user_sessions.token_hash": "sha256(one.token_hash || another.id::text::bytea)",
    "vehicle_counts.used": "%(each)s",
}


def surround(organisation_id: UUID, *, organisations: int, vehicles_each: int) -> None:
    """Add clients, each with a copy of as many of this one's vehicles, on PostgreSQL; their boxes open for nobody."""
    values = {"own": organisation_id, "each": vehicles_each, "others": organisations}
    address = db.engine.url.set(drivername="postgresql", username="postgres")  # the role that may write for everybody
    with closing(psycopg.connect(address.render_as_string())) as connection:
        connection.execute("SET session_replication_role = replica")  # what a copy refers to is copied as well
        others = "SELECT gen_random_uuid() AS id FROM generate_series(1, %(others)s)"
        connection.execute(f"CREATE TEMPORARY TABLE others ON COMMIT DROP AS {others}", values)
        for model, chosen in _COPIED.items():
            connection.execute(_copy(model, chosen), values)
        connection.commit()
    tidy()


def _copy(model: type[Base], chosen: str) -> str:
    columns = model.__table__.columns
    names = ", ".join(column.name for column in columns)
    values = ", ".join(map(_value, columns))
    source = f"FROM others another, {model.__tablename__} one WHERE {chosen}"
    return f"INSERT INTO {model.__tablename__} ({names}) SELECT {values} {source}"


def _value(column: Column) -> str:
    """What a copy holds: its own client, ids of its own, everything else as it is."""
    if column.name == "organisation_id":
        return "another.id"
    same = f"one.{column.name}"
    own = f"md5(another.id::text || {same})::uuid" if isinstance(column.type, Uuid) else same
    return _VALUES.get(str(column), own)
