"""The list of drivers: search and filters as the page's address holds them, and the drivers they find."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, and_, not_

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, slice_page
from eprunes.core.texts import tidy_line
from eprunes.fleet.driver_details import missing_for_designation, open_details
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import DriverName, named, words_of
from eprunes.fleet.queries import running_at, visible_assignments, visible_drivers

PRESENT, GONE, EVERYONE = "presents", "partis", "tous"
READY, INCOMPLETE = "prete", "incomplete"
BY_NAME, BY_STAFF_NUMBER = "nom", "matricule"


@dataclass(frozen=True)
class DriverSearch:
    """What the list is asked for; unknown values read as the defaults."""

    text: str = ""
    state: str = PRESENT
    readiness: str = ""
    sort: str = BY_NAME

    @property
    def is_narrowed(self) -> bool:
        """True when something else than the choice of view narrows the list."""
        return bool(self.text or self.readiness)


@dataclass(frozen=True)
class DriverList:
    """One page of the list of names, how many were found in all, and what the page shows beside each: `missing`
    is what a designation lacks."""

    page: Page
    found: int
    drivers: dict[UUID, Driver]
    missing: dict[UUID, list[str]]
    vehicles: dict[UUID, list[Vehicle]]


_CHOICES = {
    "state": ("etat", {PRESENT, GONE, EVERYONE}),
    "readiness": ("fiche", {READY, INCOMPLETE}),
    "sort": ("tri", {BY_NAME, BY_STAFF_NUMBER}),
}


def read_driver_search(args: Mapping[str, str]) -> DriverSearch:
    """The search that a page's address asks for."""
    chosen = {name: args.get(key) for name, (key, known) in _CHOICES.items() if args.get(key) in known}
    return DriverSearch(text=tidy_line(args.get("q", ""))[:80], **chosen)


def driver_search_args(search: DriverSearch, **changes) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; defaults are left out."""
    wanted = replace(search, **changes)
    args = {"q": wanted.text} | {key: getattr(wanted, name) for name, (key, _) in _CHOICES.items()}
    defaults = {"q": "", "etat": PRESENT, "fiche": "", "tri": BY_NAME}
    return {key: value for key, value in args.items() if value != defaults[key]}


def read_drivers(
    session: TenantSession, actor: Actor, search: DriverSearch, cursor: str, as_of: datetime
) -> DriverList:
    """The page of the list at a cursor."""
    found = found_drivers(session, actor, search, local_day(as_of, actor.zone))
    page = slice_page(found, cursor=cursor)
    ids = [one.id for one in page.rows]
    rows = {row.id: row for row in session.scalars(visible_drivers(actor).where(Driver.id.in_(ids)))}
    incomplete = (row for row in rows.values() if not row.is_designable)
    known = open_details(key_store(), incomplete)
    missing = {driver_id: missing_for_designation(details) for driver_id, details in known.items()}
    return DriverList(page, len(found), rows, missing, vehicles_held_by(session, actor, ids, as_of))


def found_drivers(session: TenantSession, actor: Actor, search: DriverSearch, today: date) -> list[DriverName]:
    """Every driver that a search finds, sorted. `today` is the organisation's local day."""
    found = named(session, actor, searched_drivers(actor, search, today), words_of(search.text))
    return sorted(found, key=sort_key(search))


def sort_key(search: DriverSearch) -> Callable[[DriverName], tuple]:
    """What the list is sorted by; drivers without a staff number come last."""
    if search.sort == BY_STAFF_NUMBER:
        return lambda one: (one.staff_number is None, one.staff_number or "", one.folded, one.id)
    return lambda one: (one.folded, one.id)


def searched_drivers(actor: Actor, search: DriverSearch, today: date) -> Select[tuple[Driver]]:
    """The drivers that the filters leave, their names aside, in no order."""
    query = visible_drivers(actor)
    gone = and_(Driver.left_on.is_not(None), Driver.left_on < today)
    if search.state != EVERYONE:
        query = query.where(gone if search.state == GONE else not_(gone))
    if search.readiness:
        query = query.where(Driver.is_designable.is_(search.readiness == READY))
    return query


def is_gone(left_on: date | None, today: date) -> bool:
    """True from the day after the last one on."""
    return left_on is not None and left_on < today


def vehicles_held_by(
    session: TenantSession, actor: Actor, driver_ids: Iterable[UUID], as_of: datetime
) -> dict[UUID, list[Vehicle]]:
    """The vehicles that these drivers hold at an instant, by driver id."""
    held: dict[UUID, list[Vehicle]] = defaultdict(list)
    query = (
        visible_assignments(actor)
        .with_only_columns(Assignment.driver_id, Vehicle)
        .join(
            Vehicle,
            and_(Vehicle.organisation_id == Assignment.organisation_id, Vehicle.id == Assignment.vehicle_id),
        )
        .where(Assignment.driver_id.in_(list(driver_ids)), running_at(as_of))
        .order_by(Assignment.starts_at)
    )
    for driver_id, vehicle in session.execute(query):
        held[driver_id].append(vehicle)
    return held
