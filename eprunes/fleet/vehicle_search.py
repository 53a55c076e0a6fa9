"""The list of vehicles: search, filters and sort as the page's address holds them, and the query they make."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, or_, tuple_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import IN_BINARY, TenantSession
from eprunes.core.paging import Page, read_page
from eprunes.core.texts import folded, tidy_line
from eprunes.fleet import wording
from eprunes.fleet.models import Assignment, Driver, Energy, Holding, Vehicle
from eprunes.fleet.names import NAME_COLUMNS, DriverName, named, names_in, words_of
from eprunes.fleet.queries import holding_at, visible_assignments, visible_drivers, visible_vehicles
from eprunes.fleet.vehicle_filters import FLAGS, IN_FLEET, SHARED, STATES, USES, flagged, held_by, of_state


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
    use: str = ""
    energy: str = ""
    holding: str = ""
    sort: str = "immatriculation"

    @property
    def is_narrowed(self) -> bool:
        """True when something else than the choice of view narrows the list."""
        return bool(self.text or any(getattr(self, name) for name in NARROWING))

    @property
    def has_more(self) -> bool:
        """True when one of the filters that the form keeps folded narrows the list."""
        return bool(self.use or self.energy or self.holding)


@dataclass(frozen=True)
class Holder:
    """Who holds a vehicle now, by which assignment, and whether their file would let them be designated."""

    driver: DriverName
    is_designable: bool
    assignment_id: UUID
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class Spell:
    """The latest time that somebody whom a search names had a vehicle, or will have it."""

    driver: DriverName
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True)
class VehicleList:
    """One page of the list, how many were found in all, who holds those of the page, and the sites to choose.

    A row of the page has the vehicle's columns that a list shows. `spells` says, by vehicle, why one is found
    whose holder is somebody else than the driver searched for.
    """

    page: Page
    found: int
    holders: dict[UUID, Holder]
    sites: list[str]
    spells: dict[UUID, Spell]


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
    "state": ("etat", set(STATES)),
    "flag": ("signalement", set(FLAGS)),
    "use": ("usage", set(USES)),
    "energy": ("energie", set(Energy)),
    "holding": ("detention", set(Holding)),
    "sort": ("tri", set(SORTS)),
}
_DEFAULTS = {"etat": IN_FLEET, "tri": "immatriculation"}
NARROWING = ("site", "flag", "use", "energy", "holding")
LONGEST_PLATE, NOT_IN_VINS = Vehicle.__table__.c.plate_key.type.length, set("IOQ")
FEW = 500
SHORTEST_VIN_PIECE = 5  # shorter ones are pieces of plates


def read_vehicle_search(args: Mapping[str, str]) -> VehicleSearch:
    """The search that a page's address asks for."""
    chosen = {name: args.get(key) for name, (key, known) in _CHOICES.items() if args.get(key) in known}
    return VehicleSearch(text=tidy_line(args.get("q", ""))[:80], site=tidy_line(args.get("site", ""))[:80], **chosen)


def vehicle_search_args(search: VehicleSearch, **changes) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; defaults are left out."""
    wanted = replace(search, **changes)
    args = {"q": wanted.text, "site": wanted.site}
    args |= {key: getattr(wanted, name) for name, (key, _) in _CHOICES.items()}
    return {key: value for key, value in args.items() if value != _DEFAULTS.get(key, "")}


def chosen_filters(search: VehicleSearch) -> list[tuple[str, str]]:
    """What each filter in use says, and the name of the filter, which an empty text takes off."""
    words = {
        "site": {search.site: f"Site\u00a0: {search.site}"},
        "flag": FLAGS,
        "use": USES,
        "energy": wording.ENERGIES,
        "holding": wording.HOLDINGS,
    }
    return [(words[name][value], name) for name in NARROWING if (value := getattr(search, name))]


def read_vehicles(
    session: TenantSession, actor: Actor, search: VehicleSearch, cursor: str, as_of: datetime
) -> VehicleList:
    """The page of the list at a cursor."""
    people = _people(session, actor, search.text)
    everywhere = _found(session, actor, replace(search, site=""), people, as_of)
    at_site = everywhere.where(Vehicle.site == search.site) if search.site else everywhere
    sort = SORTS[search.sort]
    held = _with_holders(at_site, as_of)
    page = read_page(session, held, Vehicle, sort.keys, cursor=cursor, descending=sort.descending)
    is_whole = not (search.site or page.previous or page.next)
    by_site = Counter(row.site for row in page.rows) if is_whole else _numbers_by_site(session, everywhere)
    found = by_site.get(search.site, 0) if search.site else sum(by_site.values())
    sites = sorted((site for site in by_site if site), key=folded)
    holders = _holders_in(page.rows, actor)
    return VehicleList(page, found, holders, sites, _spells(session, actor, page.rows, holders, people))


def found_vehicles(
    session: TenantSession, actor: Actor, search: VehicleSearch, as_of: datetime
) -> Select[tuple[Vehicle]]:
    """The query of every vehicle that a search finds, in no order."""
    return _found(session, actor, search, _people(session, actor, search.text), as_of)


def holder_now(session: TenantSession, actor: Actor, vehicle_id: UUID, as_of: datetime) -> Holder | None:
    """Who holds one vehicle at an instant, if anybody."""
    query = _with_holders(visible_vehicles(actor).where(Vehicle.id == vehicle_id), as_of)
    return _holders_in(session.execute(query).all(), actor).get(vehicle_id)


def _with_holders(query: Select[tuple[Vehicle]], as_of: datetime) -> Select:
    """The same vehicles, each with the columns of who holds it at an instant, NULL when nobody does."""
    same_driver = and_(Driver.organisation_id == Assignment.organisation_id, Driver.id == Assignment.driver_id)
    held = query.with_only_columns(*_LINE_COLUMNS, *_HOLDER_COLUMNS, maintain_column_froms=True)
    return held.outerjoin(Assignment, holding_at(as_of)).outerjoin(Driver, same_driver).execution_options(**IN_BINARY)


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


def _found(
    session: TenantSession, actor: Actor, search: VehicleSearch, people: list[DriverName], as_of: datetime
) -> Select[tuple[Vehicle]]:
    query = visible_vehicles(actor).where(*of_state(search.state, as_of))
    for name in ("site", "energy", "holding"):
        if value := getattr(search, name):
            query = query.where(getattr(Vehicle, name) == value)
    if search.use:
        query = query.where(Vehicle.is_pool.is_(search.use == SHARED))
    if search.flag:
        query = query.where(flagged(actor, search.flag, as_of))
    if search.text:
        query = query.where(or_(*_text_criteria(session, actor, search.text, people)))
    return query


def _people(session: TenantSession, actor: Actor, text: str) -> list[DriverName]:
    """The drivers whose name or staff number holds every word of a text, departed ones included."""
    words = words_of(text)
    return named(session, actor, visible_drivers(actor), words) if words else []


def _text_criteria(
    session: TenantSession, actor: Actor, text: str, people: list[DriverName]
) -> list[ColumnElement[bool]]:
    """A piece of the plate or of the VIN; or every word in make and model; or who held it once, does or will."""
    words = words_of(text)
    if not words:
        return [false()]
    piece, criteria = "".join(words).upper(), []
    if len(piece) <= LONGEST_PLATE:
        criteria.append(Vehicle.plate_key.contains(piece, autoescape=True))
    if len(piece) >= SHORTEST_VIN_PIECE and not NOT_IN_VINS & set(piece):
        criteria.append(Vehicle.vin.contains(piece, autoescape=True))
    if models := _models_with(session, actor, words):
        criteria.append(tuple_(Vehicle.make, Vehicle.model).in_(models))
    if people:
        criteria.append(_ever_held(session, actor, [one.id for one in people]))
    return criteria or [false()]


def _ever_held(session: TenantSession, actor: Actor, driver_ids: list[UUID]) -> ColumnElement[bool]:
    """True for the vehicles of these people's assignments. A few are looked up first: otherwise the database goes
    through every vehicle to find them."""
    if len(driver_ids) <= FEW:
        theirs = visible_assignments(actor).where(Assignment.driver_id.in_(driver_ids))
        found = session.scalars(theirs.with_only_columns(Assignment.vehicle_id).distinct().limit(FEW + 1)).all()
        if len(found) <= FEW:
            return Vehicle.id.in_(found)
    return held_by(actor, driver_ids)


def _spells(
    session: TenantSession,
    actor: Actor,
    rows: Sequence[Row],
    holders: dict[UUID, Holder],
    people: list[DriverName],
) -> dict[UUID, Spell]:
    """The latest spell of one of these people on each vehicle of the rows that none of them holds now."""
    if not people:
        return {}
    names = {one.id: one for one in people}
    others = [row.id for row in rows if row.id not in holders or holders[row.id].driver.id not in names]
    theirs = visible_assignments(actor).where(Assignment.vehicle_id.in_(others), Assignment.driver_id.in_(names))
    latest = theirs.with_only_columns(Assignment.vehicle_id, func.max(Assignment.starts_at))
    starts = [tuple(row) for row in session.execute(latest.group_by(Assignment.vehicle_id))]
    if not starts:
        return {}
    own = visible_assignments(actor).where(tuple_(Assignment.vehicle_id, Assignment.starts_at).in_(starts))
    return {row.vehicle_id: Spell(names[row.driver_id], row.starts_at, row.ends_at) for row in session.scalars(own)}


def _models_with(session: TenantSession, actor: Actor, words: list[str]) -> list[tuple[str, str]]:
    pairs = visible_vehicles(actor).with_only_columns(Vehicle.make, Vehicle.model).distinct()
    return [
        (make, model)
        for make, model in session.execute(pairs)
        if all(word in folded(f"{make} {model}") for word in words)
    ]
