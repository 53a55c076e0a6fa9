"""What narrows the list of vehicles: the choices that its form offers, and the condition that each makes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.fleet.due_dates import SOON
from eprunes.fleet.models import Assignment, Driver, DueDate, Vehicle
from eprunes.fleet.queries import (
    holding_at,
    in_fleet_at,
    running_at,
    visible_assignments,
    visible_drivers,
    visible_due_dates,
)

IN_FLEET, TO_COME, DEPARTED, EVERY = "dans-le-parc", "a-venir", "sortis", "tous"
STATES = {IN_FLEET: "Dans le parc", TO_COME: "À venir", DEPARTED: "Sortis", EVERY: "Tous"}
WITHOUT_DRIVER, UNKNOWN_TO_AGENCY, INCOMPLETE_DRIVER = "sans-conducteur", "inconnus-antai", "fiche-incomplete"
DUE_SOON = "echeance-proche"
FLAGS = {
    WITHOUT_DRIVER: "Sans conducteur",
    UNKNOWN_TO_AGENCY: "Pas encore connus de l’ANTAI",
    INCOMPLETE_DRIVER: "Conducteur à la fiche incomplète",
    DUE_SOON: "Échéance dépassée ou dans les 30 jours",
}
SHARED, NOT_SHARED = "partages", "individuels"
USES = {SHARED: "Véhicules partagés (pool)", NOT_SHARED: "Véhicules non partagés"}


def of_state(state: str, as_of: datetime) -> list[ColumnElement[bool]]:
    """The conditions of one of STATES; vehicles still to come are in the fleet as well."""
    if state == EVERY:
        return []
    present = in_fleet_at(as_of)
    if state == TO_COME:
        return [present, Vehicle.entered_at > as_of]
    return [present if state == IN_FLEET else ~present]


def flagged(actor: Actor, flag: str, as_of: datetime) -> ColumnElement[bool]:
    """The condition of one of FLAGS."""
    if flag == UNKNOWN_TO_AGENCY:
        return or_(Vehicle.antai_acknowledged_at.is_(None), Vehicle.antai_withdrawn_at.is_not(None))
    if flag == WITHOUT_DRIVER:
        return ~exists().where(holding_at(as_of)).correlate(Vehicle)
    if flag == DUE_SOON:
        return _due_soon(actor, as_of)
    incomplete = visible_drivers(actor).where(Driver.is_designable.is_(False))
    return held_by(actor, incomplete.with_only_columns(Driver.id), running_at(as_of))


def held_by(actor: Actor, drivers: Select | list[UUID], *when: ColumnElement[bool]) -> ColumnElement[bool]:
    """True for vehicles that one of these drivers holds then, or ever without a condition on assignments."""
    # a query of its own: the list joins assignments too, and would lend it those of its rows
    held = visible_assignments(actor).where(Assignment.driver_id.in_(drivers), *when)
    return Vehicle.id.in_(held.with_only_columns(Assignment.vehicle_id).correlate(None))


def _due_soon(actor: Actor, as_of: datetime) -> ColumnElement[bool]:
    last_day = local_day(as_of, actor.zone) + SOON
    to_do = visible_due_dates(actor).where(DueDate.done_on.is_(None), DueDate.due_on <= last_day)
    of_vehicles = to_do.where(DueDate.vehicle_id.is_not(None)).with_only_columns(DueDate.vehicle_id)
    return Vehicle.id.in_(of_vehicles.correlate(None))
