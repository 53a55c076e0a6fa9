"""When a vehicle was out of the fleet, and what proves it: the papers that an exit asks for, and those that are kept.

For rooms that have checked their own right, the fleet's pages and the answer to a notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.files import StoredFile, name_of
from eprunes.fleet.models import DocumentKind, ExitReason, FleetDocument, Vehicle, VehicleAbsence
from eprunes.fleet.vehicle_rules import PROOFS


@dataclass(frozen=True)
class Proof:
    """A paper that an exit asks for, and the file that holds it, if there is one."""

    kind: DocumentKind
    file_id: UUID | None


@dataclass(frozen=True)
class Exit:
    """An exit of a vehicle, and when it came back, if it did."""

    left_at: datetime
    because: ExitReason
    back_at: datetime | None = None


def exit_by(vehicle: Vehicle, absences: Sequence[VehicleAbsence], at: datetime) -> Exit | None:
    """The exit by which a vehicle was out of the fleet at an instant; None while it was there."""
    if vehicle.left_at is not None and at >= vehicle.left_at:
        return Exit(vehicle.left_at, ExitReason(vehicle.left_because or ExitReason.OTHER))
    away = next((one for one in absences if one.left_at <= at < one.back_at), None)
    return Exit(away.left_at, ExitReason(away.left_because), away.back_at) if away else None


def proofs_of(session: TenantSession, vehicle: Vehicle, because: str | None) -> list[Proof]:
    """The papers that an exit of a vehicle asks for, in order; none when it has not left or for no such reason.

    Of several files of one kind, the newest.
    """
    wanted = PROOFS[ExitReason(because)] if because else ()
    if not wanted:
        return []
    query = (
        select(FleetDocument.kind, FleetDocument.file_id)
        .where(
            FleetDocument.organisation_id == vehicle.organisation_id,
            FleetDocument.vehicle_id == vehicle.id,
            FleetDocument.kind.in_(wanted),
        )
        .order_by(FleetDocument.created_at, FleetDocument.id)
    )
    kept = dict(session.execute(query).all())
    return [Proof(kind, kept.get(kind)) for kind in wanted]


def references_of(session: TenantSession, proofs: list[Proof]) -> list[str]:
    """By what name each of these papers is kept; nothing where there is none, or where it can't be read any more."""
    ids = [one.file_id for one in proofs if one.file_id]
    if not ids:
        return ["" for _ in proofs]
    own = session.organisation_id
    query = select(StoredFile).where(StoredFile.organisation_id == own, StoredFile.id.in_(ids))
    files = {one.id: one for one in session.scalars(query)}
    keys = key_store().keys(own, [one.key_id for one in files.values()])
    names = {one.id: name_of(one, keys[one.key_id]) for one in files.values() if one.key_id in keys}
    return [names.get(one.file_id, "") for one in proofs]
