"""What journal entries are about, as the administrator knows it: the vehicle's plate, the driver's name, the notice's
number. The journal itself keeps references only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import url_for

from eprunes.accounts.permissions import Actor
from eprunes.core.audit import AuditEntry
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.fines.models import Notice
from eprunes.fines.notice_details import open_notices
from eprunes.fines.queries import visible_notices
from eprunes.fleet.models import Vehicle
from eprunes.fleet.names import names_by_id
from eprunes.fleet.queries import visible_vehicles

_VISITED = {"vehicle_id": "vehicule", "driver_id": "conducteur", "notice_id": "avis"}
"""What the entries of a visit's pages name, by kind of subject."""


@dataclass(frozen=True)
class Thing:
    """A vehicle, a driver or a notice that the reader may open."""

    name: str
    link: str


def subject_of(entry: AuditEntry) -> tuple[str | None, UUID | None]:
    """(kind, id) of what an entry is about: for a page of an operator's visit, what that page showed."""
    if entry.action == "visite.page":
        for name, kind in _VISITED.items():
            if name in entry.details:
                return kind, UUID(entry.details[name])
    return entry.subject_kind, entry.subject_id


def things_in(
    session: TenantSession, actor: Actor, entries: Iterable[AuditEntry], as_of: datetime
) -> dict[tuple[str, UUID], Thing]:
    """What these entries are about, by kind and id, where the actor may see it now."""
    ids: dict[str, set[UUID]] = {kind: set() for kind in _VISITED.values()}
    for kind, reference in map(subject_of, entries):
        if kind in ids and reference:
            ids[kind].add(reference)
    return {
        **_vehicles(session, actor, ids["vehicule"]),
        **_drivers(session, actor, ids["conducteur"]),
        **_notices(session, actor, ids["avis"], as_of),
    }


def _vehicles(session: TenantSession, actor: Actor, ids: set[UUID]) -> dict[tuple[str, UUID], Thing]:
    found = session.scalars(visible_vehicles(actor).where(Vehicle.id.in_(ids))) if ids else ()
    return {("vehicule", one.id): Thing(one.plate, url_for("fleet.vehicle", vehicle_id=one.id)) for one in found}


def _drivers(session: TenantSession, actor: Actor, ids: set[UUID]) -> dict[tuple[str, UUID], Thing]:
    return {
        ("conducteur", one.id): Thing(one.name, url_for("fleet.driver", driver_id=one.id))
        for one in names_by_id(session, actor, ids).values()
    }


def _notices(session: TenantSession, actor: Actor, ids: set[UUID], as_of: datetime) -> dict[tuple[str, UUID], Thing]:
    found = session.scalars(visible_notices(actor, as_of).where(Notice.id.in_(ids))).all() if ids else ()
    return {
        ("avis", notice_id): Thing(f"n° {one.number}", url_for("fines.notice_page", notice_id=notice_id))
        for notice_id, one in open_notices(key_store(), found).items()
    }
