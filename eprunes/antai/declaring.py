"""Making the fleet known to the agency: new vehicles declared, those that left withdrawn (C4.3-b, decision 9)."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select, update

from eprunes.accounts.models import Organisation
from eprunes.accounts.queries import order_forms
from eprunes.accounts.retention import has_ended
from eprunes.accounts.tools import tools_on
from eprunes.antai import messages
from eprunes.antai.client import AgencyClient
from eprunes.antai.models import DeclaredPlate
from eprunes.core import audit
from eprunes.core.calendar import paris_day
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, new_id, platform_session, tenant_session
from eprunes.fleet.models import Vehicle

log = logging.getLogger(__name__)

CHUNK = 500
_REASON = "plaques déclarées à l’ANTAI"

ToWithdraw = tuple[DeclaredPlate, Vehicle | None, bool]
"""A plate, its vehicle, and whether another client still has the same plate declared."""


def has_convention(organisation: Organisation, as_of: datetime) -> bool:
    """Whether this client's vehicles are to be known to the agency: contract running, fines tool in force."""
    if has_ended(organisation.contract_ends_on, as_of):
        return False
    with tenant_session(organisation.id) as session:
        return tools_on(session.scalars(order_forms(organisation.id)).all(), paris_day(as_of)).fines


def declare_new(organisation: Organisation, client: AgencyClient, as_of: datetime) -> Counter:
    """Declare what entered the fleet and is not acknowledged yet; committed as declared before the call."""
    counts: Counter = Counter()
    last_id = None
    while vehicles := _next_to_declare(organisation.id, last_id, as_of):
        last_id = vehicles[-1].id
        _note_declared(organisation.id, vehicles, as_of)
        results = client.add_vehicles(
            vehicles=[
                messages.vehicle_record(plate_key=one.plate_key, country=one.country, make=one.make, model=one.model)
                for one in vehicles
            ]
        )
        known = [one for one in vehicles if results.get(_key(one), ("",))[0] in messages.ACKNOWLEDGED]
        _note_acknowledged(organisation.id, known, as_of)
        counts["declared"] += len(known)
        counts["not_acknowledged"] += len(vehicles) - len(known)
    return counts


def withdraw_gone(organisation: Organisation, client: AgencyClient, convention: bool, as_of: datetime) -> Counter:
    """Withdraw the plates of vehicles that left; all of them once the client has no convention any more."""
    counts: Counter = Counter()
    due = _to_withdraw(organisation.id, convention, as_of)
    for batch in chunks(due, CHUNK):
        gone = _withdraw(client, batch, as_of)
        _note_withdrawn(organisation.id, gone, as_of)
        counts["withdrawn"] += len(gone)
        counts["not_withdrawn"] += len(batch) - len(gone)
    return counts


def withdraw_purged(client: AgencyClient, as_of: datetime) -> Counter:
    """Withdraw the plates that the agency had not acknowledged when their client was purged."""
    counts: Counter = Counter()
    with platform_session(_REASON) as session:
        purged = select(Organisation.id).where(Organisation.purged_at.is_not(None))
        left = DeclaredPlate.organisation_id.in_(purged), DeclaredPlate.withdrawn_at.is_(None)
        plates = list(session.scalars(select(DeclaredPlate).where(*left).order_by(DeclaredPlate.id)))
        used = select(DeclaredPlate.country, DeclaredPlate.plate_key).where(
            DeclaredPlate.organisation_id.not_in(purged), DeclaredPlate.withdrawn_at.is_(None)
        )
        elsewhere = {tuple(row) for row in session.execute(used)} if plates else set()
    due = [(plate, None, (plate.country, plate.plate_key) in elsewhere) for plate in plates]
    for batch in chunks(due, CHUNK):
        gone = _withdraw(client, batch, as_of)
        with platform_session(_REASON, write=True) as session:
            done = update(DeclaredPlate).where(DeclaredPlate.id.in_(gone)).values(withdrawn_at=as_of)
            session.execute(done)
        counts["withdrawn"] += len(gone)
        counts["not_withdrawn"] += len(batch) - len(gone)
    return counts


def _withdraw(client: AgencyClient, batch: Sequence[ToWithdraw], as_of: datetime) -> list[UUID]:
    """Tell the agency about one batch; returns the ids of the plates that it no longer holds for this client."""
    records = [_withdrawal(plate, vehicle, as_of) for plate, vehicle, shared in batch if not shared]
    results = client.withdraw_vehicles(withdrawals=records) if records else {}
    return [
        plate.id
        for plate, _, shared in batch
        if shared or results.get((plate.country, plate.plate_key), ("",))[0] in messages.GONE
    ]


def _withdrawal(plate: DeclaredPlate, vehicle: Vehicle | None, as_of: datetime) -> dict:
    managed_until = (vehicle.left_at if vehicle else None) or as_of
    # An entry corrected to a later day would make a span that ends before it starts: refused for ever.
    managed_from = min(vehicle.entered_at if vehicle else plate.declared_at, managed_until)
    return messages.withdrawal_record(
        plate_key=plate.plate_key,
        country=plate.country,
        managed_from=managed_from,
        managed_until=managed_until,
        as_of=as_of,
    )


def _next_to_declare(organisation_id: UUID, after: UUID | None, as_of: datetime) -> Sequence[Vehicle]:
    with tenant_session(organisation_id) as session:
        query = (
            select(Vehicle)
            .where(
                Vehicle.organisation_id == organisation_id,
                Vehicle.entered_at <= as_of,
                or_(Vehicle.left_at.is_(None), Vehicle.left_at > as_of),
                or_(Vehicle.antai_acknowledged_at.is_(None), Vehicle.antai_withdrawn_at.is_not(None)),
            )
            .order_by(Vehicle.id)
            .limit(CHUNK)
        )
        return session.scalars(query if after is None else query.where(Vehicle.id > after)).all()


def _note_declared(organisation_id: UUID, vehicles: Sequence[Vehicle], as_of: datetime) -> None:
    """The intent, before the call: a notice may come back faster than the acknowledgement is written."""
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        known = {
            (plate.country, plate.plate_key): plate
            for plate in session.scalars(
                select(DeclaredPlate).where(
                    DeclaredPlate.organisation_id == organisation_id,
                    DeclaredPlate.plate_key.in_([one.plate_key for one in vehicles]),
                )
            )
        }
        for vehicle in vehicles:
            plate = known.get(_key(vehicle)) or _new_plate(vehicle)
            plate.vehicle_id, plate.declared_at, plate.withdrawn_at = vehicle.id, as_of, None
            session.add(plate)
        for vehicle in _locked_as_sent(session, organisation_id, vehicles):
            vehicle.antai_declared_at, vehicle.antai_withdrawn_at = as_of, None
            vehicle.antai_acknowledged_at = None


def _note_acknowledged(organisation_id: UUID, vehicles: Sequence[Vehicle], as_of: datetime) -> None:
    if not vehicles:
        return
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        for vehicle in _locked_as_sent(session, organisation_id, vehicles):
            vehicle.antai_acknowledged_at = as_of
        plates = select(DeclaredPlate).where(
            DeclaredPlate.organisation_id == organisation_id,
            DeclaredPlate.plate_key.in_([one.plate_key for one in vehicles]),
        )
        for plate in session.scalars(plates):
            plate.acknowledged_at = as_of
        details = {"vehicules": len(vehicles)}
        audit.record(session, "antai.vehicules_declares", as_of=as_of, details=details)


def _to_withdraw(organisation_id: UUID, convention: bool, as_of: datetime) -> list[ToWithdraw]:
    with tenant_session(organisation_id, platform_reason=_REASON) as session:
        query = (
            select(DeclaredPlate, Vehicle)
            .outerjoin(
                Vehicle,
                and_(
                    Vehicle.organisation_id == organisation_id,
                    Vehicle.id == DeclaredPlate.vehicle_id,
                    Vehicle.country == DeclaredPlate.country,
                    Vehicle.plate_key == DeclaredPlate.plate_key,
                ),
            )
            .where(DeclaredPlate.organisation_id == organisation_id, DeclaredPlate.withdrawn_at.is_(None))
        )
        if convention:
            query = query.where(or_(Vehicle.id.is_(None), Vehicle.left_at <= as_of))
        rows = session.execute(query.order_by(DeclaredPlate.id)).all()
        elsewhere = _declared_elsewhere(session, organisation_id, [plate for plate, _ in rows])
    return [(plate, vehicle, (plate.country, plate.plate_key) in elsewhere) for plate, vehicle in rows]


def _declared_elsewhere(
    session: TenantSession, organisation_id: UUID, plates: list[DeclaredPlate]
) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for batch in chunks(plates):
        keys = [plate.plate_key for plate in batch]
        query = select(DeclaredPlate.country, DeclaredPlate.plate_key).where(
            DeclaredPlate.plate_key.in_(keys),
            DeclaredPlate.organisation_id != organisation_id,
            DeclaredPlate.withdrawn_at.is_(None),
        )
        found |= {tuple(row) for row in session.execute(query)}
    return found


def _note_withdrawn(organisation_id: UUID, plate_ids: list[UUID], as_of: datetime) -> None:
    if not plate_ids:
        return
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        plates = session.scalars(
            select(DeclaredPlate).where(
                DeclaredPlate.organisation_id == organisation_id, DeclaredPlate.id.in_(plate_ids)
            )
        ).all()
        for plate in plates:
            plate.withdrawn_at = as_of
        keys = {(plate.country, plate.plate_key) for plate in plates}
        for vehicle in _locked(session, organisation_id, [plate.vehicle_id for plate in plates]):
            if _key(vehicle) in keys:
                vehicle.antai_withdrawn_at = as_of
        details = {"vehicules": len(plate_ids)}
        audit.record(session, "antai.vehicules_retires", as_of=as_of, details=details)


def _locked_as_sent(session: TenantSession, organisation_id: UUID, sent: Sequence[Vehicle]) -> list[Vehicle]:
    """The vehicles told to the agency but for those whose plate was corrected meanwhile: these stay due."""
    keys = {one.id: _key(one) for one in sent}
    rows = _locked(session, organisation_id, list(keys))
    return [vehicle for vehicle in rows if _key(vehicle) == keys[vehicle.id]]


def _locked(session: TenantSession, organisation_id: UUID, ids: list[UUID]) -> Sequence[Vehicle]:
    query = select(Vehicle).where(Vehicle.organisation_id == organisation_id, Vehicle.id.in_(ids))
    return session.scalars(query.order_by(Vehicle.id).with_for_update()).all()


def _key(vehicle: Vehicle) -> tuple[str, str]:
    return vehicle.country, vehicle.plate_key


def _new_plate(vehicle: Vehicle) -> DeclaredPlate:
    return DeclaredPlate(
        id=new_id(),
        country=vehicle.country,
        plate_key=vehicle.plate_key,
        organisation_id=vehicle.organisation_id,
        vehicle_id=vehicle.id,
    )
