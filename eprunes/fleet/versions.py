"""What a form was filled with, as a digest and an instant: a row that changed meanwhile is not written over."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.models import Assignment, Driver, DueDate, Vehicle
from eprunes.fleet.vehicle_rules import KEPT

_OF_VEHICLE = ("plate", "country", *KEPT)
_OF_DRIVER = ("kind", "staff_number", "left_on")
_LOOKED_THROUGH = 50


def vehicle_version(vehicle: Vehicle) -> str:
    """The version of what the form of a vehicle shows."""
    return digest([getattr(vehicle, name) for name in _OF_VEHICLE])


def driver_version(driver: Driver, details: DriverDetails) -> str:
    """The version of what the form of a driver shows."""
    return digest([details, *(getattr(driver, name) for name in _OF_DRIVER)])


def due_date_version(due: DueDate) -> str:
    """The version of what the form of a due date shows."""
    return digest([due.due_on, due.label, due.done_on])


def assignment_version(assignment: Assignment) -> str:
    """The version of who has a vehicle by an assignment, and when."""
    return digest([assignment.driver_id, assignment.starts_at, assignment.ends_at])


def stamp(version: str, as_of: datetime) -> str:
    """What a form carries: the version it was filled with, and when."""
    return f"{version}@{as_of.isoformat()}"


def refuse_stale(
    session: TenantSession,
    actor: Actor,
    seen: str | None,
    present: str,
    subject: tuple[str, UUID],
    *,
    what: str = "Cette fiche",
    assignment_id: UUID | None = None,
) -> None:
    """Raise Refused when a form was filled with something else than what is there now; without `seen` never.

    The sentence names who changed it since, where the journal has it (an import is no act on one row); of an
    assignment, that is told in its vehicle's journal, among other things.
    """
    version, _, since = (seen or "").partition("@")
    if seen is None or version == present:
        return
    about = str(assignment_id) if assignment_id else None
    entries = session.scalars(queries.visible_journal(actor, *subject).limit(_LOOKED_THROUGH))
    latest = next((one for one in entries if about in (None, one.details.get("attribution"))), None)
    # Instants in UTC compare as their texts do: what a browser sent back needs no reading.
    is_later = latest is not None and latest.actor_id is not None and latest.at.isoformat() >= since
    names = queries.author_names(session, [latest.actor_id]) if is_later else {}
    who = "".join(f" par {name}" for name in names.values())
    raise Refused(f"{what} a été modifiée entre-temps{who}\u00a0: rechargez la page.", "seen")


def digest(values: Sequence) -> str:
    """What is known again by its values: the same values, the same digest."""
    return hashlib.sha256(orjson.dumps(values, default=str)).hexdigest()
