"""Operations on due dates: typed, changed, done, removed; and the computed ones, kept as the rules have them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, func, insert, select, update

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.chunks import AT_ONCE, chunks
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import due_dates as rules
from eprunes.fleet import queries
from eprunes.fleet.models import Driver, DueDate, DueKind, FleetDocument, Vehicle
from eprunes.fleet.services import steps
from eprunes.fleet.versions import due_date_version, refuse_stale

COMPUTED_KINDS = (DueKind.INSPECTION, DueKind.EXIT_PROOF)
GONE = "Cette échéance n’existe plus\u00a0: elle vient d’être supprimée."


def add_due_date(
    *,
    actor: Actor,
    vehicle_id: UUID | None = None,
    driver_id: UUID | None = None,
    kind: str,
    label: str = "",
    due_on: date,
    as_of: datetime,
) -> UUID:
    """Note what is due on a vehicle or for a driver. Returns its id. Raises Refused.

    An inspection typed replaces the one that the rules computed.
    """
    if kind not in (rules.OF_VEHICLES if vehicle_id else rules.OF_DRIVERS):
        raise Refused("Choisissez un objet de la liste.", "kind")
    label = _checked_label(kind, label)
    due_id = new_id()
    subject = {"vehicle_id": vehicle_id, "driver_id": driver_id}
    with tenant_session(actor.organisation_id, write=True) as session:
        _lock_subject(session, actor, vehicle_id, driver_id)
        made = {"created_by": actor.user_id, "created_at": as_of, "organisation_id": actor.organisation_id}
        due = DueDate(id=due_id, kind=kind, label=label, due_on=due_on, **subject, **made)
        session.add(due)
        _record(session, "echeance.ajoutee", due, actor, as_of)
        _refresh_around(session, due, actor.zone, as_of)
    return due_id


def change_due_date(
    *, actor: Actor, due_id: UUID, label: str = "", due_on: date, seen: str | None = None, as_of: datetime
) -> None:
    """Move a due date or say otherwise what it is; a computed one is a typed one from then on.

    Raises Refused, also when it is no longer what the form was filled with (`seen`, from `versions.stamp`).
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        due = _locked(session, actor, due_id)
        _refuse_done(due)
        _refuse_proof(due)
        refuse_stale(session, actor, seen, due_date_version(due), _subject_of(due), what="Cette échéance")
        label = _checked_label(due.kind, label)
        if (due.due_on, due.label) == (due_on, label):
            return
        before = due.due_on
        due.due_on, due.label, due.is_computed = due_on, label, False
        _record(session, "echeance.modifiee", due, actor, as_of, avant={"pour_le": before.isoformat()})


def finish_due_date(
    *, actor: Actor, due_id: UUID, done_on: date, next_on: date | None = None, as_of: datetime
) -> date | None:
    """Note that it was done, and open the next one: by the rules where they know it, else at `next_on` if given.

    Returns the day of the next one, or None. Raises Refused.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        due = _locked(session, actor, due_id)
        _refuse_done(due)
        _refuse_proof(due)
        if done_on > local_day(as_of, actor.zone):
            raise Refused("Cette date est dans le futur.", "done_on")
        due.done_on = done_on
        _record(session, "echeance.faite", due, actor, as_of, le=done_on.isoformat())
        _refresh_around(session, due, actor.zone, as_of)
        computed_on = _open_inspection(session, due) if due.kind == DueKind.INSPECTION else None
        if computed_on is not None or next_on is None:
            return computed_on
        if next_on <= done_on:
            raise Refused("La suivante doit venir après.", "next_on")
        session.add(_next_of(due, next_on, actor, as_of))
        return next_on


def remove_due_date(*, actor: Actor, due_id: UUID, as_of: datetime) -> None:
    """Remove a due date, open or done; the journal keeps it. Raises Refused for one that the rules keep open."""
    with tenant_session(actor.organisation_id, write=True) as session:
        due = _locked(session, actor, due_id)
        if due.is_computed and due.done_on is None:
            raise Refused("Cette échéance est calculée\u00a0: elle ne peut pas être supprimée.")
        _record(session, "echeance.supprimee", due, actor, as_of)
        session.delete(due)
        session.flush()
        _refresh_around(session, due, actor.zone, as_of)


def refresh_computed(
    session: TenantSession,
    vehicle_ids: Collection[UUID] | None,
    as_of: datetime,
    zone: ZoneInfo,
    *,
    are_locked: bool = False,
) -> Counter:
    """Within a transaction: bring the computed due dates of these vehicles, by default all, to what the rules say.

    An open one that was typed stands for the computed one. Returns counts. Vehicles that need a change are locked,
    and looked at again, unless the caller has locked them already.
    """
    changes = _changes(session, vehicle_ids, as_of, zone)
    if not changes:
        return Counter()
    if not are_locked:
        _lock_vehicles(session, changes)
    counts: Counter = Counter()
    for chunk in chunks(sorted(changes)):
        opened: list[dict] = []
        current = {one: changes[one] for one in chunk} if are_locked else _changes(session, chunk, as_of, zone)
        for change in current.values():
            counts += _apply(session, change, opened)
        _open(session, opened, as_of)
        counts["due_opened"] += len(opened)
    return +counts


@dataclass(frozen=True)
class _Change:
    vehicle_id: UUID
    open: dict[DueKind, DueDate]
    wanted: dict[DueKind, date]


def _changes(
    session: TenantSession, vehicle_ids: Collection[UUID] | None, as_of: datetime, zone: ZoneInfo
) -> dict[UUID, _Change]:
    """What differs from the rules, by vehicle."""
    known = _rows_of(session, vehicle_ids)
    papers = _papers_of(session, vehicle_ids)
    changes = {}
    for vehicle_id, *values in session.execute(_narrowed(_vehicle_columns(session), Vehicle.id, vehicle_ids)):
        rows = known.get(vehicle_id, ())
        open_rows = {DueKind(row.kind): row for row in rows if row.is_computed and row.done_on is None}
        typed = {DueKind(row.kind) for row in rows if not row.is_computed and row.done_on is None}
        done = [row.done_on for row in rows if row.kind == DueKind.INSPECTION and row.done_on is not None]
        facts = rules.VehicleFacts(*values, max(done, default=None), papers.get(vehicle_id, ()))
        due = rules.computed(facts, zone, as_of, open_rows)
        wanted = {kind: due_on for kind, due_on in due.items() if kind not in typed}
        if wanted != {kind: row.due_on for kind, row in open_rows.items()}:
            changes[vehicle_id] = _Change(vehicle_id, open_rows, wanted)
    return changes


def _apply(session: TenantSession, change: _Change, opened: list[dict]) -> Counter:
    """Close and move what is open; what is to be opened is added to `opened`."""
    counts: Counter = Counter()
    for kind, row in change.open.items():
        own = DueDate.organisation_id == session.organisation_id, DueDate.id == row.id
        if kind not in change.wanted:
            session.execute(delete(DueDate).where(*own).execution_options(synchronize_session=False))
            counts["due_closed"] += 1
        elif change.wanted[kind] != row.due_on:
            moved = update(DueDate).where(*own).values(due_on=change.wanted[kind])
            session.execute(moved.execution_options(synchronize_session=False))
            counts["due_moved"] += 1
    for kind in change.wanted.keys() - change.open.keys():
        opened.append({"vehicle_id": change.vehicle_id, "kind": kind, "due_on": change.wanted[kind]})
    return counts


def _open(session: TenantSession, opened: list[dict], as_of: datetime) -> None:
    common = {"organisation_id": session.organisation_id, "is_computed": True, "created_at": as_of}
    if opened:
        session.execute(insert(DueDate.__table__), [common | row | {"id": new_id()} for row in opened])


def _vehicle_columns(session: TenantSession) -> Select:
    columns = (Vehicle.country, Vehicle.category, Vehicle.first_registered_on, Vehicle.left_at, Vehicle.left_because)
    return select(Vehicle.id, *columns).where(Vehicle.organisation_id == session.organisation_id)


def _rows_of(session: TenantSession, vehicle_ids: Collection[UUID] | None) -> dict[UUID, list]:
    columns = (DueDate.id, DueDate.vehicle_id, DueDate.kind, DueDate.due_on, DueDate.done_on, DueDate.is_computed)
    query = select(*columns).where(DueDate.organisation_id == session.organisation_id, DueDate.kind.in_(COMPUTED_KINDS))
    rows: dict[UUID, list] = defaultdict(list)
    for row in session.execute(_narrowed(query, DueDate.vehicle_id, vehicle_ids)):
        rows[row.vehicle_id].append(row)
    return rows


def _papers_of(session: TenantSession, vehicle_ids: Collection[UUID] | None) -> dict[UUID, set[str]]:
    query = select(FleetDocument.vehicle_id, FleetDocument.kind).where(
        FleetDocument.organisation_id == session.organisation_id, FleetDocument.vehicle_id.is_not(None)
    )
    papers: dict[UUID, set[str]] = defaultdict(set)
    for vehicle_id, kind in session.execute(_narrowed(query, FleetDocument.vehicle_id, vehicle_ids)):
        papers[vehicle_id].add(kind)
    return papers


def _narrowed(query: Select, column, vehicle_ids: Collection[UUID] | None) -> Select:
    """Of many vehicles all are read: a list of ids has its limits."""
    few = vehicle_ids is not None and len(vehicle_ids) <= AT_ONCE
    return query.where(column.in_(list(vehicle_ids))) if few else query


def _lock_vehicles(session: TenantSession, vehicle_ids: Iterable[UUID]) -> None:
    for chunk in chunks(sorted(vehicle_ids)):
        query = select(Vehicle.id).where(Vehicle.organisation_id == session.organisation_id, Vehicle.id.in_(chunk))
        session.execute(query.order_by(Vehicle.id).with_for_update()).all()


def _refresh_around(session: TenantSession, due: DueDate, zone: ZoneInfo, as_of: datetime) -> None:
    if due.vehicle_id is not None and due.kind in COMPUTED_KINDS:
        session.flush()
        refresh_computed(session, [due.vehicle_id], as_of, zone)


def _lock_subject(session: TenantSession, actor: Actor, vehicle_id: UUID | None, driver_id: UUID | None) -> None:
    if vehicle_id is not None:
        steps.locked_vehicle(session, actor, vehicle_id)
    elif session.scalar(queries.visible_drivers(actor).where(Driver.id == driver_id).with_for_update()) is None:
        raise Refused("Ce conducteur n’est pas dans votre parc.")


def _locked(session: TenantSession, actor: Actor, due_id: UUID) -> DueDate:
    """A due date as it is once its vehicle, then itself are locked."""
    due = session.scalar(queries.visible_due_dates(actor).where(DueDate.id == due_id))
    if due is None:
        raise Refused(GONE)
    if due.vehicle_id is not None:
        steps.locked_vehicle(session, actor, due.vehicle_id)
    again = queries.visible_due_dates(actor).where(DueDate.id == due_id).with_for_update()
    due = session.scalar(again.execution_options(populate_existing=True))
    if due is None:
        raise Refused(GONE)
    return due


def _refuse_done(due: DueDate) -> None:
    if due.done_on is not None:
        raise Refused(f"Cette échéance est déjà faite, le {due.done_on:%d/%m/%Y}.")


def _refuse_proof(due: DueDate) -> None:
    if due.kind == DueKind.EXIT_PROOF:
        raise Refused("Ajoutez les preuves aux documents du véhicule\u00a0: cette échéance disparaîtra d’elle-même.")


def _checked_label(kind: str, label: str) -> str:
    tidy, problem = rules.tidied_label(kind, label)
    if problem:
        raise Refused(problem, "label")
    return tidy


def _open_inspection(session: TenantSession, due: DueDate) -> date | None:
    query = select(func.min(DueDate.due_on)).where(
        DueDate.organisation_id == session.organisation_id,
        DueDate.vehicle_id == due.vehicle_id,
        DueDate.kind == DueKind.INSPECTION,
        DueDate.done_on.is_(None),
    )
    return session.scalar(query)


def _next_of(due: DueDate, next_on: date, actor: Actor, as_of: datetime) -> DueDate:
    subject = {"vehicle_id": due.vehicle_id, "driver_id": due.driver_id}
    same = {"organisation_id": due.organisation_id, "kind": due.kind, "label": due.label}
    return DueDate(id=new_id(), **same, **subject, due_on=next_on, created_by=actor.user_id, created_at=as_of)


def _record(session: TenantSession, action: str, due: DueDate, actor: Actor, as_of: datetime, **more) -> None:
    facts = {"echeance": due.kind, "pour_le": due.due_on.isoformat(), **more}
    steps.record(session, action, _subject_of(due), actor, as_of, facts)


def _subject_of(due: DueDate) -> tuple[str, UUID]:
    return ("vehicule", due.vehicle_id) if due.vehicle_id else ("conducteur", due.driver_id)
