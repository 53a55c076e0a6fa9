"""The list of vehicles: search, filters and sort as the page's address holds them, and the query they make."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, false, func, or_, tuple_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, read_page
from eprunes.core.texts import folded, tidy_line
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import NAME_COLUMNS, DriverName, named, names_in, words_of
from eprunes.fleet.queries import (
    holding_at,
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
    """One page of the list, how many were found in all, who holds those of the page, and the sites to choose.

    A row of the page has the vehicle's columns that a list shows.
    """

    page: Page
    found: int
    holders: dict[UUID, Holder]
    sites: list[str]


_LINE_COLUMNS = (
    Vehicle.id,
    Vehicle.country,
    Vehicle.plate,
    Vehicle.make,
    Vehicle.model,
    Vehicle.site,
    Vehicle.entered_at,
    Vehicle.left_at,
    Vehicle.antai_declared_at,
    Vehicle.antai_acknowledged_at,
    Vehicle.antai_withdrawn_at,
)
_HOLDER_COLUMNS = (
    Driver.is_designable,
    Assignment.id.label("assignment_id"),
    Assignment.starts_at,
    Assignment.ends_at,
    *(column.label(f"driver_{column.key}") for column in NAME_COLUMNS),
)
_CHOICES = {
    "state": ("etat", {IN_FLEET, DEPARTED, EVERY}),
    "flag": ("signalement", {WITHOUT_DRIVER, UNKNOWN_TO_AGENCY, INCOMPLETE_DRIVER}),
    "sort": ("tri", set(SORTS)),
}


def read_vehicle_search(args: Mapping[str, str]) -> VehicleSearch:
    """The search that a page's address asks for."""
    chosen = {name: args.get(key) for name, (key, known) in _CHOICES.items() if args.get(key) in known}
    return VehicleSearch(text=tidy_line(args.get("q", ""))[:80], site=tidy_line(args.get("site", ""))[:80], **chosen)


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
    everywhere = found_vehicles(session, actor, replace(search, site=""), as_of)
    at_site = everywhere.where(Vehicle.site == search.site) if search.site else everywhere
    sort = SORTS[search.sort]
    held = _with_holders(at_site, as_of)
    page = read_page(session, held, Vehicle, sort.keys, cursor=cursor, descending=sort.descending)
    is_whole = not (search.site or page.previous or page.next)
    by_site = Counter(row.site for row in page.rows) if is_whole else _numbers_by_site(session, everywhere)
    found = by_site.get(search.site, 0) if search.site else sum(by_site.values())
    sites = sorted((site for site in by_site if site), key=folded)
    return VehicleList(page, found, _holders_in(page.rows, actor), sites)


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


def holder_now(session: TenantSession, actor: Actor, vehicle_id: UUID, as_of: datetime) -> Holder | None:
    """Who holds one vehicle at an instant, if anybody."""
    query = _with_holders(visible_vehicles(actor).where(Vehicle.id == vehicle_id), as_of)
    return _holders_in(session.execute(query).all(), actor).get(vehicle_id)


def known_sites(session: TenantSession, actor: Actor) -> list[str]:
    """The sites that vehicles stand at, sorted."""
    query = visible_vehicles(actor).with_only_columns(Vehicle.site).where(Vehicle.site != "").distinct()
    return sorted(session.scalars(query), key=folded)


def _with_holders(query: Select[tuple[Vehicle]], as_of: datetime) -> Select:
    """The same vehicles, each with the columns of who holds it at an instant, NULL when nobody does."""
    same_driver = and_(Driver.organisation_id == Assignment.organisation_id, Driver.id == Assignment.driver_id)
    held = query.with_only_columns(*_LINE_COLUMNS, *_HOLDER_COLUMNS, maintain_column_froms=True)
    return held.outerjoin(Assignment, holding_at(as_of)).outerjoin(Driver, same_driver)


def _holders_in(rows: Sequence[Row], actor: Actor) -> dict[UUID, Holder]:
    """The holders in rows of `_with_holders`, by vehicle id."""
    held = [row for row in rows if row.assignment_id is not None]
    names = names_in([row[-len(NAME_COLUMNS) :] for row in held], actor)
    return {
        row.id: Holder(names[row.driver_id], row.is_designable, row.assignment_id, row.starts_at, row.ends_at)
        for row in held
    }


def _numbers_by_site(session: TenantSession, query: Select[tuple[Vehicle]]) -> dict[str, int]:
    counting = query.with_only_columns(Vehicle.site, func.count(), maintain_column_froms=True)
    return dict(session.execute(counting.group_by(Vehicle.site)).all())


def _flagged(actor: Actor, flag: str, as_of: datetime) -> ColumnElement[bool]:
    if flag == UNKNOWN_TO_AGENCY:
        return or_(Vehicle.antai_acknowledged_at.is_(None), Vehicle.antai_withdrawn_at.is_not(None))
    if flag == WITHOUT_DRIVER:
        return ~exists().where(holding_at(as_of)).correlate(Vehicle)
    incomplete = visible_drivers(actor).where(Driver.is_designable.is_(False))
    return _held_by(actor, incomplete.with_only_columns(Driver.id), as_of)


def _held_by(actor: Actor, drivers: Select | list[UUID], as_of: datetime) -> ColumnElement[bool]:
    # a query of its own: the list joins assignments too, and would lend it those of its rows
    held = visible_assignments(actor).where(Assignment.driver_id.in_(drivers), running_at(as_of))
    return Vehicle.id.in_(held.with_only_columns(Assignment.vehicle_id).correlate(None))


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
