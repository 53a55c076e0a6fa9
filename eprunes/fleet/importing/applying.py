"""Carries out a plan that was agreed to: planned again against the fleet as it is, then written, all or nothing."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import quota
from eprunes.core.chunks import chunks
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.work import LeaseLost
from eprunes.fleet.driver_details import KEY_PURPOSE, missing_for_designation, seal_details
from eprunes.fleet.importing.drivers import driver_key
from eprunes.fleet.importing.existing import load_existing
from eprunes.fleet.importing.parsing import Parsed
from eprunes.fleet.importing.plan import AssignmentAct, Closing, DriverAct, Existing, Plan, VehicleAct, VehicleKey
from eprunes.fleet.importing.planning import plan_import
from eprunes.fleet.importing.tracing import Written, record_import
from eprunes.fleet.models import Assignment, AssignmentSource, Driver, Vehicle
from eprunes.fleet.services.due_dates import refresh_computed

NewKeys = Iterator[tuple[UUID, bytes]]


class FleetChanged(Exception):
    """The fleet is no longer what the preview was made from: another one has to be agreed to."""


def apply_import(
    organisation_id: UUID,
    parsed: Parsed,
    zone: ZoneInfo,
    *,
    agreed: str,
    new_drivers: int,
    author_id: UUID | None,
    as_of: datetime,
    closing: Closing | None = None,
    finish: Callable[[TenantSession], None] | None = None,
) -> None:
    """Write an import in one transaction, which `finish` may complete.

    `agreed` and `new_drivers` are the digest and the count of new drivers of the plan that was shown, `closing` what
    it was made for. Raises FleetChanged when the import would no longer do the same, and QuotaExceeded (C4.1-a);
    nothing is written.
    """
    store = key_store()
    keys = store.all_keys(organisation_id, KEY_PURPOSE)
    new_keys = store.create_keys(organisation_id, KEY_PURPOSE, as_of, new_drivers) if new_drivers else []
    try:
        with tenant_session(organisation_id, write=True) as session:
            existing = load_existing(session, parsed, keys, as_of, for_closing=closing is not None, lock=True)
            plan = plan_import(parsed, existing, zone, as_of, closing)
            if plan.digest() != agreed:
                raise FleetChanged
            _write(session, plan, existing, keys | dict(new_keys), iter(new_keys), zone, author_id, as_of)
            if finish:
                finish(session)
    except (FleetChanged, Refused, LeaseLost, IntegrityError) as error:
        # Only where it is sure that nothing was committed: a key without a row is harmless, the reverse is not.
        store.destroy_keys(organisation_id, [key_id for key_id, _ in new_keys])
        if isinstance(error, IntegrityError):  # somebody wrote the same row in between
            raise FleetChanged from error
        raise


def _write(
    session: TenantSession,
    plan: Plan,
    existing: Existing,
    keys: dict[UUID, bytes],
    new_keys: NewKeys,
    zone: ZoneInfo,
    author_id: UUID | None,
    as_of: datetime,
) -> None:
    quota.take(session, plan.places, as_of)
    vehicle_ids = _write_vehicles(session, plan.vehicles, as_of)
    driver_ids = _write_drivers(session, plan.drivers, keys, new_keys, as_of)
    _update(session, Assignment, [{"row_id": act.id, "ends_at": act.ends_at} for act in plan.ends])
    by_key = {key: one.id for key, one in existing.vehicles.items()}
    by_key |= {act.key: one for act, one in zip(plan.vehicles, vehicle_ids, strict=True)}
    by_number = {driver_key(act.staff_number): one for act, one in _new_drivers(plan.drivers, driver_ids)}
    rows = [_assignment_row(act, by_key, by_number, author_id) for act in plan.assignments]
    _insert(session, Assignment, rows, as_of)
    if vehicle_ids:
        refresh_computed(session, vehicle_ids, as_of, zone, are_locked=True)
    record_import(session, plan, existing, Written(vehicle_ids, driver_ids, rows), author_id, as_of)


def _write_vehicles(session: TenantSession, acts: list[VehicleAct], as_of: datetime) -> list[UUID]:
    """Their ids, in the order of the acts."""
    ids = [act.id or new_id() for act in acts]
    pairs = list(zip(acts, ids, strict=True))
    new = [_vehicle_row(act) | _plate_columns(act) | {"id": one} for act, one in pairs if act.id is None]
    _insert(session, Vehicle, new, as_of)
    _update(session, Vehicle, [_vehicle_row(act) | {"row_id": one} for act, one in pairs if act.id])
    return ids


def _vehicle_row(act: VehicleAct) -> dict:
    return act.values | {"counts_in_quota": act.counts_in_quota}


def _plate_columns(act: VehicleAct) -> dict:
    country, key = act.key
    return {"country": country, "plate_key": key, "plate": act.plate}


def _write_drivers(
    session: TenantSession, acts: list[DriverAct], keys: dict[UUID, bytes], new_keys: NewKeys, as_of: datetime
) -> list[UUID]:
    """Their ids, in the order of the acts."""
    ids, rows = [act.id or new_id() for act in acts], []
    for act, driver_id in _new_drivers(acts, ids):
        key_id, key = next(new_keys)
        new = {"id": driver_id, "staff_number": act.staff_number, "key_id": key_id}
        rows.append(new | _driver_row(act, session.organisation_id, driver_id, key))
    _insert(session, Driver, rows, as_of)
    changed = [
        {"row_id": act.id} | _driver_row(act, session.organisation_id, act.id, keys[act.key_id])
        for act in acts
        if act.id
    ]
    _update(session, Driver, changed)
    return ids


def _new_drivers(acts: list[DriverAct], ids: list[UUID]) -> Iterator[tuple[DriverAct, UUID]]:
    return ((act, driver_id) for act, driver_id in zip(acts, ids, strict=True) if act.id is None)


def _driver_row(act: DriverAct, organisation_id: UUID, driver_id: UUID, key: bytes) -> dict:
    return {
        "kind": act.kind,
        "left_on": act.left_on,
        "is_designable": not missing_for_designation(act.details),
        "box": seal_details(key, organisation_id, driver_id, act.details),
    }


def _assignment_row(
    act: AssignmentAct,
    vehicle_ids: dict[VehicleKey, UUID],
    driver_ids: dict[str, UUID],
    author_id: UUID | None,
) -> dict:
    return {
        "id": new_id(),
        "vehicle_id": vehicle_ids[act.vehicle],
        "driver_id": act.driver_id or driver_ids[act.driver],
        "starts_at": act.starts_at,
        "ends_at": act.ends_at,
        "source": AssignmentSource.IMPORTED,
        "created_by": author_id,
    }


def _insert(session: TenantSession, model: type, rows: list[dict], as_of: datetime) -> None:
    common = {"organisation_id": session.organisation_id, "created_at": as_of}
    for chunk in chunks(rows):
        session.execute(insert(model.__table__), [common | row for row in chunk])


def _update(session: TenantSession, model: type, rows: list[dict]) -> None:
    """Write the same columns of many rows, in their order; `row_id` says which row."""
    table = model.__table__
    if not rows:
        return
    values = {name: bindparam(name) for name in rows[0] if name != "row_id"}
    statement = (
        update(table)
        .where(table.c.organisation_id == session.organisation_id, table.c.id == bindparam("row_id"))
        .values(values)
    )
    for chunk in chunks(rows):
        session.execute(statement, chunk)
