"""The trace of an import: one entry for the whole, and one for each vehicle, driver and assignment that it writes.

The entries are those of the single acts, so that the pages of a vehicle or driver tell them alike; `source` says that
they came from a workbook. Opaque references only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from eprunes.core import audit
from eprunes.core.database import TenantSession
from eprunes.fleet.importing.plan import DriverAct, Existing, Plan, VehicleAct
from eprunes.fleet.importing.timeline import lasts_beyond
from eprunes.fleet.models import AssignmentSource

_EXIT = ("left_at", "left_because")
_Entry = tuple[str, tuple[str, UUID], dict]


@dataclass(frozen=True)
class Written:
    """What was written: ids of the new vehicles and drivers by their acts' place, rows of the new assignments."""

    vehicle_ids: list[UUID]
    driver_ids: list[UUID]
    assignments: list[dict]


def record_import(
    session: TenantSession, plan: Plan, existing: Existing, written: Written, author_id: UUID | None, as_of: datetime
) -> None:
    """Add the entries to the transaction that writes the import."""
    action = "parc.import_sans_changement" if plan.is_empty else "parc.importe"
    entries = (
        *_of_vehicles(plan.vehicles, existing, written.vehicle_ids),
        *_of_drivers(plan.drivers, existing, written.driver_ids),
        *_of_assignments(plan, existing, written.assignments),
    )
    source = {"source": AssignmentSource.IMPORTED}
    acts = ((name, subject, details | source) for name, subject, details in entries)
    audit.record_all(session, acts, as_of=as_of, actor_id=author_id)
    audit.record(session, action, as_of=as_of, actor_id=author_id, details=_counts(plan))


def _of_vehicles(acts: list[VehicleAct], existing: Existing, ids: list[UUID]) -> Iterator[_Entry]:
    for act, vehicle_id in zip(acts, ids, strict=True):
        subject = "vehicule", vehicle_id
        before = existing.vehicles[act.key].values if act.id else {}
        changed = [name for name, value in act.values.items() if not act.id or before[name] != value]
        if act.id is None:
            yield "vehicule.ajoute", subject, {}
        elif fields := [name for name in changed if name not in _EXIT]:
            yield "vehicule.modifie", subject, {"champs": fields}
        if act.values["left_at"] and set(changed) & set(_EXIT):
            facts = {"le": act.values["left_at"].isoformat(), "motif": act.values["left_because"]}
            yield "vehicule.sorti", subject, facts


def _of_drivers(acts: list[DriverAct], existing: Existing, ids: list[UUID]) -> Iterator[_Entry]:
    stored = {one.id: one for one in existing.drivers.values()}
    for act, driver_id in zip(acts, ids, strict=True):
        subject, before = ("conducteur", driver_id), stored.get(act.id)
        if before is None:
            yield "conducteur.ajoute", subject, {}
        elif (act.kind, act.details) != (before.kind, before.details):
            yield "conducteur.modifie", subject, {}
        if act.left_on and (before is None or act.left_on != before.left_on):
            yield "conducteur.parti", subject, {"le": act.left_on.isoformat()}


def _of_assignments(plan: Plan, existing: Existing, rows: Iterable[dict]) -> Iterator[_Entry]:
    stored = {one.id: one for one in existing.assignments}
    for act in plan.ends:
        row = stored[act.id]
        is_cut = act.ends_at is not None and lasts_beyond(row.ends_at, act.ends_at)
        now, before = (_facts(row.driver_id, row.starts_at, ends_at) for ends_at in (act.ends_at, row.ends_at))
        action = "attribution.terminee" if is_cut else "attribution.corrigee"
        yield action, ("vehicule", row.vehicle_id), {"attribution": str(row.id), **now, "avant": before}
    for new in rows:
        facts = _facts(new["driver_id"], new["starts_at"], new["ends_at"])
        yield "attribution.creee", ("vehicule", new["vehicle_id"]), {"attribution": str(new["id"]), **facts}


def _facts(driver_id: UUID, starts_at: datetime, ends_at: datetime | None) -> dict[str, str | None]:
    ends = ends_at.isoformat() if ends_at else None
    return {"conducteur": str(driver_id), "du": starts_at.isoformat(), "au": ends}


def _counts(plan: Plan) -> dict:
    counts = {
        name: {"lues": one.lines, "creees": one.created, "modifiees": one.changed, "refusees": one.refused}
        for name, one in plan.counts.items()
    }
    return counts | ({"sortis": plan.closed} if plan.closing else {})
