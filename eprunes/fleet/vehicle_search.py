"""The list of vehicles: search, filters and sort as the page's address holds them, and the query they make."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, tuple_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import NAME_COLUMNS, DriverName, folded, named, names_in, words_of
from eprunes.fleet.queries import (
    in_fleet_at,
    running_at,
    visible_assignments,
    visible_drivers,
    visible_vehicles,
)

IN_FLEET, DEPARTED, EVERY = "dans-le-parc", "sortis", "tous"
WITHOUT_DRIVER, UNKNOWN_TO_AGENCY, INCOMPLETE_DRIVER = "sans-conducteur", "inconnus-antai", "fiche-incomplete"


@dataclass(frozen=True)
class Sort:
    """Columns to sort by, and whether the highest comes first."""

    keys: tuple[str, ...]
    descending: bool = False


SORTS = {
    "immatriculation": Sort(("plate_key",)),
    "modele": Sort(("make", "model")),
    "site": Sort(("site", "plate_key")),
    "entree": Sort(("entered_at",), descending=True),
}


@dataclass(frozen=True)
class VehicleSearch:
    """What the list is asked for; unknown values read as the defaults."""

    text: str = ""
    state: str = IN_FLEET
    site: str = ""
    flag: str = ""
    sort: str = "immatriculation"

    @property
    def is_narrowed(self) -> bool:
        """True when something else than the choice of view narrows the list."""
        return bool(self.text or self.site or self.flag)


@dataclass(frozen=True)
class Holder:
    """Who holds a vehicle now, by which assignment, and whether their file would let them be designated."""

    driver: DriverName
    is_designable: bool
    assignment_id: UUID
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class VehicleList:
    """One page of the list: its rows, how many were found in all, and who holds those of the page."""

    page: Page
    found: int
    holders: dict[UUID, Holder]
    sites: list[str]


HOLDER_COLUMNS = (Driver.is_designable, Assignment.id, Assignment.starts_at, Assignment.ends_at)
_CHOICES = {
    "state": ("etat", {IN_FLEET, DEPARTED, EVERY}),
    "flag": ("signalement", {WITHOUT_DRIVER, UNKNOWN_TO_AGENCY, INCOMPLETE_DRIVER}),
    "sort": ("tri", set(SORTS)),
}


def read_vehicle_search(args: Mapping[str, str]) -> VehicleSearch:
    """The search that a page's address asks for."""
    chosen = {name: args.get(key) for name, (key, known) in _CHOICES.items() if args.get(key) in known}
    return VehicleSearch(text=args.get("q", "").strip()[:80], site=args.get("site", "")[:80], **chosen)


def vehicle_search_args(search: VehicleSearch, **changes) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; defaults are left out."""
    wanted = replace(search, **changes)
    args = {"q": wanted.text, "site": wanted.site}
    args |= {key: getattr(wanted, name) for name, (key, _) in _CHOICES.items()}
    defaults = {"q": "", "site": "", "etat": IN_FLEET, "signalement": "", "tri": "immatriculation"}
    return {key: value for key, value in args.items() if value != defaults[key]}


def read_vehicles(
    session: TenantSession, actor: Actor, search: VehicleSearch, cursor: str, as_of: datetime
) -> VehicleList:
    """The page of the list at a cursor."""
    query, sort = found_vehicles(session, actor, search, as_of), SORTS[search.sort]
    page = read_page(session, query, Vehicle, sort.keys, cursor=cursor, descending=sort.descending)
    holders = holders_now(session, actor, [row.id for row in page.rows], as_of)
    is_all = page.previous is None and page.next is None
    found = len(page.rows) if is_all else count_of(session, query)
    return VehicleList(page, found, holders, known_sites(session, actor))


def found_vehicles(
    session: TenantSession, actor: Actor, search: VehicleSearch, as_of: datetime
) -> Select[tuple[Vehicle]]:
    """The query of every vehicle that a search finds, in no order."""
    query = visible_vehicles(actor)
    if search.state != EVERY:
        present = in_fleet_at(as_of)
        query = query.where(present if search.state == IN_FLEET else ~present)
    if search.site:
        query = query.where(Vehicle.site == search.site)
    if search.flag:
        query = query.where(_flagged(actor, search.flag, as_of))
    if search.text:
        query = query.where(or_(*_text_criteria(session, actor, search.text, as_of)))
    return query


def holders_now(
    session: TenantSession, actor: Actor, vehicle_ids: Iterable[UUID], as_of: datetime
) -> dict[UUID, Holder]:
    """Who holds each of these vehicles at an instant; those that nobody holds are absent."""
    query = (
        visible_assignments(actor)
        .with_only_columns(Assignment.vehicle_id, *HOLDER_COLUMNS, *NAME_COLUMNS)
        .join(
            Driver,
            and_(Driver.organisation_id == Assignment.organisation_id, Driver.id == Assignment.driver_id),
        )
        .where(Assignment.vehicle_id.in_(list(vehicle_ids)), running_at(as_of))
    )
    rows = session.execute(query).all()
    names = names_in([row[-len(NAME_COLUMNS) :] for row in rows], actor)
    return {vehicle_id: Holder(names[driver_id], *facts) for vehicle_id, *facts, driver_id, _, _, _ in rows}


def known_sites(session: TenantSession, actor: Actor) -> list[str]:
    """The sites that vehicles stand at, sorted."""
    query = visible_vehicles(actor).with_only_columns(Vehicle.site).where(Vehicle.site != "").distinct()
    return sorted(session.scalars(query), key=folded)


def _flagged(actor: Actor, flag: str, as_of: datetime) -> ColumnElement[bool]:
    if flag == UNKNOWN_TO_AGENCY:
        return or_(Vehicle.antai_acknowledged_at.is_(None), Vehicle.antai_withdrawn_at.is_not(None))
    if flag == WITHOUT_DRIVER:
        return ~exists().where(
            Assignment.organisation_id == Vehicle.organisation_id,
            Assignment.vehicle_id == Vehicle.id,
            running_at(as_of),
        )
    incomplete = visible_drivers(actor).where(Driver.is_designable.is_(False))
    return _held_by(actor, incomplete.with_only_columns(Driver.id), as_of)


def _held_by(actor: Actor, drivers: Select | list[UUID], as_of: datetime) -> ColumnElement[bool]:
    held = visible_assignments(actor).where(Assignment.driver_id.in_(drivers), running_at(as_of))
    return Vehicle.id.in_(held.with_only_columns(Assignment.vehicle_id))


def _text_criteria(session: TenantSession, actor: Actor, text: str, as_of: datetime) -> list[ColumnElement[bool]]:
    """A piece of the plate; or every word in make and model; or every word in the holder's name."""
    words = words_of(text)
    if not words:
        return [false()]
    criteria = [Vehicle.plate_key.contains("".join(words).upper(), autoescape=True)]
    if models := _models_with(session, actor, words):
        criteria.append(tuple_(Vehicle.make, Vehicle.model).in_(models))
    if drivers := [line.id for line in named(session, actor, visible_drivers(actor), words)]:
        criteria.append(_held_by(actor, drivers, as_of))
    return criteria


def _models_with(session: TenantSession, actor: Actor, words: list[str]) -> list[tuple[str, str]]:
    pairs = visible_vehicles(actor).with_only_columns(Vehicle.make, Vehicle.model).distinct()
    return [
        (make, model)
        for make, model in session.execute(pairs)
        if all(word in folded(f"{make} {model}") for word in words)
    ]
