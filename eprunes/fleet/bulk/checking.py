"""Looks at each vehicle of a bulk operation: what there is to do, or why it can’t be done, as single acts say it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.core.wording import counted
from eprunes.fleet import queries
from eprunes.fleet.bulk.acts import Act, Scene
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.services import overlaps, steps

GONE = "Ce véhicule n’est plus dans votre parc."


@dataclass(frozen=True)
class Verdict:
    """What was found of some vehicles: those that are ready, with what there is to do, and why others are not."""

    scene: Scene
    ready: list[tuple[Vehicle, object]]
    reasons: dict[UUID, str]


def look_at(
    session: TenantSession, actor: Actor, act: Act, vehicle_ids: Sequence[UUID], *, lock: bool = False
) -> Verdict:
    """The verdict on these vehicles; with `lock` they stay as they are until the transaction ends."""
    scene = _load(session, actor, act, vehicle_ids, lock)
    ready, reasons, met = [], {}, {}
    for vehicle_id in vehicle_ids:
        vehicle = scene.vehicles.get(vehicle_id)
        if vehicle is None:
            reasons[vehicle_id] = GONE
            continue
        try:
            ready.append((vehicle, act.check(scene, vehicle, actor)))
        except Refused as refusal:
            reasons[vehicle_id] = str(refusal)
        except overlaps.Overlap as overlap:
            met[vehicle_id] = overlap
    refusals = overlaps.named_refusals(session, actor, met, act.at, overlaps.PROMISED)
    return Verdict(scene, ready, reasons | {key: str(refusal) for key, refusal in refusals.items()})


def warnings(session: TenantSession, actor: Actor, act: Act, ready: int, name: str) -> list[str]:
    """What is worth knowing before agreeing to so many vehicles, though nothing forbids it; `name` is the driver's."""
    driver = _driver(session, actor, act)
    if driver is None or not ready:
        return []
    told = []
    others = _also_held(session, actor, act)
    if ready + others > 1:
        beside = f", avec {counted(others, 'autre')} déjà à son nom" if others else ""
        told.append(f"{name} tiendra {ready + others} véhicules à la fois{beside}.")
    if not driver.is_designable:
        told.append(
            f"La fiche de {name} est incomplète\u00a0: tant qu’elle l’est, personne ne pourra être désigné pour une "
            "contravention de ces véhicules."
        )
    return told


def _load(session: TenantSession, actor: Actor, act: Act, vehicle_ids: Sequence[UUID], lock: bool) -> Scene:
    query = queries.visible_vehicles(actor).where(Vehicle.id.in_(vehicle_ids)).order_by(Vehicle.id)
    vehicles = {row.id: row for row in session.scalars(query.with_for_update() if lock else query)}
    held: dict[UUID, list[Assignment]] = defaultdict(list)
    if act.at is not None:
        for row in session.scalars(steps.lasting_until(actor.organisation_id, vehicle_ids, act.at)):
            held[row.vehicle_id].append(row)
    driver = _driver(session, actor, act)
    absences = queries.absences_of(session, vehicles) if driver is not None else {}
    return Scene(vehicles, held, driver, absences)


def _driver(session: TenantSession, actor: Actor, act: Act) -> Driver | None:
    return None if act.driver_id is None else queries.find_driver(session, actor, act.driver_id)


def _also_held(session: TenantSession, actor: Actor, act: Act) -> int:
    """How many vehicles the driver holds already at the act's instant or later: none of those is ready."""
    lasting = or_(Assignment.ends_at.is_(None), Assignment.ends_at > act.at)
    query = queries.visible_assignments(actor).where(Assignment.driver_id == act.driver_id, lasting)
    return len(set(session.scalars(query.with_only_columns(Assignment.vehicle_id))))
