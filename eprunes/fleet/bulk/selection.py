"""Which vehicles a bulk operation is about: those ticked in the list, or everything that its search finds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession
from eprunes.core.paging import count_of
from eprunes.core.texts import ids_in
from eprunes.fleet.models import Vehicle
from eprunes.fleet.queries import visible_vehicles
from eprunes.fleet.vehicle_search import VehicleSearch, found_vehicles, read_vehicle_search, vehicle_search_args

CHUNK = 500


class Target(NamedTuple):
    """A vehicle of the selection, with what names it to people."""

    id: str
    country: str
    plate: str


@dataclass(frozen=True)
class Selection:
    """What was chosen: vehicles by id or, with a `search`, whatever it finds; and how many there are to be seen."""

    ids: tuple[UUID, ...]
    search: VehicleSearch | None
    found: int

    def as_json(self) -> dict:
        """The selection as a task keeps it; a search is carried out when the vehicles are checked."""
        if self.search is not None:
            return {"search": vehicle_search_args(self.search)}
        return {"ids": [str(one) for one in self.ids]}


def selected(
    session: TenantSession,
    actor: Actor,
    ticked: Iterable[str],
    searched: Mapping[str, str] | None,
    as_of: datetime,
) -> Selection:
    """What a form chose: `searched` are the arguments of the list's address when everything found is meant.

    Ids that the actor can't see, or that are none, are left out as if nobody had them.
    """
    if searched is not None:
        search = read_vehicle_search(searched)
        return Selection((), search, count_of(session, found_vehicles(session, actor, search, as_of)))
    ids = ids_in(ticked)
    known = [UUID(one.id) for one in _by_id(session, actor, ids)]
    return Selection(tuple(known), None, len(known))


def targets(session: TenantSession, actor: Actor, content: Mapping, as_of: datetime) -> list[Target]:
    """The vehicles of a selection kept as JSON, by plate."""
    if "search" in content:
        search = read_vehicle_search(content["search"])
        query = found_vehicles(session, actor, search, as_of).with_only_columns(*_COLUMNS, maintain_column_froms=True)
        found = [_target(row) for row in session.execute(query)]
    else:
        found = _by_id(session, actor, [UUID(one) for one in content["ids"]])
    return sorted(found, key=lambda one: (one.plate, one.id))


_COLUMNS = (Vehicle.id, Vehicle.country, Vehicle.plate)


def _by_id(session: TenantSession, actor: Actor, ids: Iterable[UUID]) -> list[Target]:
    query = visible_vehicles(actor).with_only_columns(*_COLUMNS)
    return [
        _target(row)
        for chunk in chunks(ids, CHUNK)
        for row in session.execute(query.where(Vehicle.id.in_(chunk)))
    ]  # fmt: skip


def _target(row: Sequence) -> Target:
    return Target(str(row[0]), row[1], row[2])
