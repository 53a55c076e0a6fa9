"""Removing a vehicle or a driver that was entered by mistake: only one that never served, and for good."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import quota
from eprunes.accounts.permissions import Actor
from eprunes.core import files
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.models import Assignment, Driver, DueDate, FleetDocument, Vehicle, VehicleAbsence
from eprunes.fleet.services import namesakes, steps

VEHICLE_SERVED = (
    "Ce véhicule a déjà servi\u00a0: attribué, déclaré à l’ANTAI, ou nommé ailleurs. Enregistrez plutôt sa sortie."
)
DRIVER_SERVED = "Ce conducteur a tenu un véhicule, ou doit en tenir un\u00a0: enregistrez plutôt son départ."


def remove_vehicle(*, actor: Actor, vehicle_id: UUID, as_of: datetime) -> None:
    """Remove a vehicle with its documents, due dates and absences; its place is free again (C4.1-a).

    Raises Refused for one that was ever attributed, told to the agency, or is in a notice.
    """
    try:
        with tenant_session(actor.organisation_id, write=True) as session:
            vehicle = steps.locked_vehicle(session, actor, vehicle_id)
            if not never_served(session, vehicle):
                raise Refused(VEHICLE_SERVED)
            keys = _remove_papers(session, FleetDocument.vehicle_id == vehicle_id, DueDate.vehicle_id == vehicle_id)
            absences = VehicleAbsence.organisation_id == actor.organisation_id, VehicleAbsence.vehicle_id == vehicle_id
            session.execute(delete(VehicleAbsence).where(*absences))
            session.delete(vehicle)
            session.flush()
            if vehicle.counts_in_quota:
                quota.take(session, -1, as_of)
            steps.record(session, "vehicule.supprime", ("vehicule", vehicle_id), actor, as_of, {})
    except IntegrityError as error:  # a room above this one refers to it: what is in a notice stays
        raise Refused(VEHICLE_SERVED) from error
    key_store().destroy_keys(actor.organisation_id, keys)


def remove_driver(*, actor: Actor, driver_id: UUID, as_of: datetime) -> None:
    """Remove a driver who never held anything, with documents and due dates, then the keys of all of it.

    Answers keep what they declared. Raises Refused.
    """
    with tenant_session(actor.organisation_id, write=True) as session:
        driver = session.scalar(queries.visible_drivers(actor).where(Driver.id == driver_id).with_for_update())
        if driver is None:
            raise Refused("Ce conducteur n’est pas dans votre parc.")
        if not never_held(session, driver):
            raise Refused(DRIVER_SERVED)
        keys = _remove_papers(session, FleetDocument.driver_id == driver_id, DueDate.driver_id == driver_id)
        namesakes.remove_pairs(session, driver_id)
        session.delete(driver)
        session.flush()
        steps.record(session, "conducteur.supprime", ("conducteur", driver_id), actor, as_of, {})
    key_store().destroy_keys(actor.organisation_id, [*keys, driver.key_id])


def never_served(session: TenantSession, vehicle: Vehicle) -> bool:
    """True for a vehicle that nobody ever held, and that the agency was never told of."""
    told = (vehicle.antai_declared_at, vehicle.antai_acknowledged_at, vehicle.antai_withdrawn_at)
    return not any(told) and not _is_assigned(session, Assignment.vehicle_id == vehicle.id)


def never_held(session: TenantSession, driver: Driver) -> bool:
    """True for a driver who held nothing, and is to hold nothing."""
    return not _is_assigned(session, Assignment.driver_id == driver.id)


def _is_assigned(session: TenantSession, condition: ColumnElement[bool]) -> bool:
    query = select(Assignment.id).where(Assignment.organisation_id == session.organisation_id, condition)
    return session.scalar(query.limit(1)) is not None


def _remove_papers(
    session: TenantSession, of_document: ColumnElement[bool], of_due_date: ColumnElement[bool]
) -> list[UUID]:
    """Remove documents with their files, and due dates; returns the keys to destroy once that is committed."""
    own = session.organisation_id
    rows = select(FleetDocument.file_id).where(FleetDocument.organisation_id == own, of_document)
    file_ids = session.scalars(rows).all()
    session.execute(delete(FleetDocument).where(FleetDocument.organisation_id == own, of_document))
    session.execute(delete(DueDate).where(DueDate.organisation_id == own, of_due_date))
    return [files.remove(session, one) for one in file_ids]
