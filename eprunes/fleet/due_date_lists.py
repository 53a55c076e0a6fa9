"""What falls due: of one vehicle or driver, and in the whole fleet as the page's address asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, or_
from sqlalchemy.orm import outerjoin

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.calendar import local_day
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.paging import Page, count_of, read_page
from eprunes.core.spreadsheets.writing import Sheet, write_csv, write_workbook
from eprunes.fleet.due_dates import KINDS, SOON
from eprunes.fleet.models import Driver, DueDate, DueKind, Vehicle
from eprunes.fleet.names import DriverName, named, names_by_id
from eprunes.fleet.queries import find_vehicle, in_fleet_at, visible_drivers, visible_due_dates

TO_DO, OVERDUE, EVERY = "a-faire", "depassees", "toutes"
VIEWS = {TO_DO: "À faire sous 30 jours", OVERDUE: "Dépassées", EVERY: "Toutes"}
DONE_SHOWN = 50
_HEADINGS = [
    "Échéance", "Jours restants", "Objet", "Précision", "Immatriculation", "Pays", "Modèle", "Matricule", "Conducteur",
    "Calculée",
]  # fmt: skip


@dataclass(frozen=True)
class DueSearch:
    """What the list is asked for; unknown values read as the defaults."""

    view: str = TO_DO
    kind: str = ""


@dataclass(frozen=True)
class DueList:
    """One page of the list, how many were found in all, and the drivers of the page; a row has its vehicle's plate."""

    page: Page
    found: int
    drivers: dict[UUID, DriverName]


@dataclass(frozen=True)
class DueTab:
    """What is still due of one vehicle or driver, soonest first, and what was done, latest first."""

    open: Sequence[DueDate]
    done: Sequence[DueDate]

    @property
    def knows_inspection(self) -> bool:
        """True when the next inspection, or a last one, is known."""
        return any(due.kind == DueKind.INSPECTION for due in (*self.open, *self.done))


def read_due_search(args: Mapping[str, str]) -> DueSearch:
    """The search that a page's address asks for."""
    view, kind = args.get("vue", TO_DO), args.get("objet", "")
    return DueSearch(view if view in VIEWS else TO_DO, kind if kind in set(DueKind) else "")


def due_search_args(search: DueSearch, **changes) -> dict[str, str]:
    """The same search, with changes, as arguments of an address; defaults are left out."""
    wanted = replace(search, **changes)
    args = {"vue": wanted.view if wanted.view != TO_DO else "", "objet": wanted.kind}
    return {key: value for key, value in args.items() if value}


def read_due_dates(session: TenantSession, actor: Actor, search: DueSearch, cursor: str, as_of: datetime) -> DueList:
    """The page of the list at a cursor, soonest first."""
    query = found_due_dates(actor, search, as_of)
    page = read_page(session, _with_vehicle(query), DueDate, ("due_on",), cursor=cursor)
    is_whole = not (page.previous or page.next)
    drivers = names_by_id(session, actor, (row.driver_id for row in page.rows if row.driver_id))
    return DueList(page, len(page.rows) if is_whole else count_of(session, query), drivers)


def found_due_dates(actor: Actor, search: DueSearch, as_of: datetime) -> Select[tuple[DueDate]]:
    """Every open due date that a search finds, in no order; those of who or what is gone are left out."""
    today = local_day(as_of, actor.zone)
    query = _of_present(visible_due_dates(actor), today, as_of).where(DueDate.done_on.is_(None))
    if search.view != EVERY:
        query = query.where(DueDate.due_on < today if search.view == OVERDUE else DueDate.due_on <= today + SOON)
    return query.where(DueDate.kind == search.kind) if search.kind else query


def due_of(
    session: TenantSession, actor: Actor, *, vehicle_id: UUID | None = None, driver_id: UUID | None = None
) -> DueTab:
    """What is and was due of one vehicle, or for one driver."""
    mine = DueDate.vehicle_id == vehicle_id if vehicle_id else DueDate.driver_id == driver_id
    query = visible_due_dates(actor).where(mine)
    still = query.where(DueDate.done_on.is_(None)).order_by(DueDate.due_on, DueDate.id)
    done = query.where(DueDate.done_on.is_not(None)).order_by(DueDate.done_on.desc(), DueDate.id).limit(DONE_SHOWN)
    return DueTab(session.scalars(still).all(), session.scalars(done).all())


def find_due_date(session: TenantSession, actor: Actor, due_id: UUID) -> DueDate | None:
    """One due date that the actor may see, or None."""
    return session.scalar(visible_due_dates(actor).where(DueDate.id == due_id))


def whose(
    session: TenantSession, actor: Actor, *, vehicle_id: UUID | None = None, driver_id: UUID | None = None
) -> str:
    """The plate of the vehicle, or the name of the driver, that due dates are of."""
    if vehicle_id is not None:
        return find_vehicle(session, actor, vehicle_id).plate
    return names_by_id(session, actor, [driver_id])[driver_id].name


def due_workbook(actor: Actor, session: TenantSession, search: DueSearch, as_of: datetime) -> bytes:
    """Every due date that a search finds, as the list has them (C7-a); that it was taken out is traced."""
    return write_workbook([_taken_out(actor, session, search, as_of)])


def due_csv(actor: Actor, session: TenantSession, search: DueSearch, as_of: datetime) -> bytes:
    """As `due_workbook`, as a CSV file."""
    return write_csv(_taken_out(actor, session, search, as_of))


def _taken_out(actor: Actor, session: TenantSession, search: DueSearch, as_of: datetime) -> Sheet:
    query = _with_vehicle(found_due_dates(actor, search, as_of)).order_by(DueDate.due_on, DueDate.id)
    drivers = {one.id: one for one in named(session, actor, visible_drivers(actor))}
    today = local_day(as_of, actor.zone)
    rows = [_line(row, drivers.get(row.driver_id), today) for row in session.execute(query)]
    with tenant_session(actor.organisation_id, write=True) as trace:
        details = {"Échéances": len(rows)}
        audit.record(trace, "parc.exporte", as_of=as_of, actor_id=actor.user_id, details=details)
    return Sheet("Échéances", _HEADINGS, rows)


def _line(row: Row, driver: DriverName | None, today: date) -> list:
    model = f"{row.make} {row.model}".strip() if row.vehicle_id else None
    who = (driver.staff_number, driver.name) if driver else (None, None)
    what = (KINDS[DueKind(row.kind)], row.label or None, row.plate, row.country, model)
    return [row.due_on, (row.due_on - today).days, *what, *who, "Oui" if row.is_computed else "Non"]


def _with_vehicle(query: Select[tuple[DueDate]]) -> Select:
    columns = (
        DueDate.id, DueDate.kind, DueDate.label, DueDate.due_on, DueDate.is_computed, DueDate.vehicle_id,
        DueDate.driver_id, Vehicle.plate, Vehicle.country, Vehicle.make, Vehicle.model,
    )  # fmt: skip
    return query.with_only_columns(*columns, maintain_column_froms=True)


def _of_present(query: Select[tuple[DueDate]], today: date, as_of: datetime) -> Select[tuple[DueDate]]:
    with_vehicle = outerjoin(DueDate, Vehicle, of_same_vehicle())  # joined once, whatever columns are asked for
    joined = outerjoin(with_vehicle, Driver, of_same_driver())
    return query.select_from(joined).where(still_matters(today, as_of))


def of_same_vehicle() -> ColumnElement[bool]:
    """What joins a due date to its vehicle."""
    return and_(Vehicle.organisation_id == DueDate.organisation_id, Vehicle.id == DueDate.vehicle_id)


def of_same_driver() -> ColumnElement[bool]:
    """What joins a due date to its driver."""
    return and_(Driver.organisation_id == DueDate.organisation_id, Driver.id == DueDate.driver_id)


def still_matters(today: date, as_of: datetime) -> ColumnElement[bool]:
    """True for due dates of vehicles in the fleet, of drivers not gone, and for the proofs of an exit."""
    driver_stays = or_(Driver.left_on.is_(None), Driver.left_on >= today)
    of_vehicle = and_(DueDate.vehicle_id.is_not(None), or_(DueDate.kind == DueKind.EXIT_PROOF, in_fleet_at(as_of)))
    return or_(of_vehicle, and_(DueDate.driver_id.is_not(None), driver_stays))
