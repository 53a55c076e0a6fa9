"""What can be done to many vehicles at once: the check on each, and the carrying out where it fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.core.wording import instant
from eprunes.fleet.local_times import end_text
from eprunes.fleet.models import Assignment, Driver, Vehicle, VehicleAbsence
from eprunes.fleet.services import steps

NO_DRIVER = "Ce conducteur n’existe plus\u00a0: il vient d’être fusionné ou supprimé."
NOBODY = "Personne ne tient ce véhicule à cet instant."
SAME = "Ce véhicule est déjà ainsi."
FIELDS = {"site": "site", "cost_centre": "centre de coûts"}


@dataclass(frozen=True)
class Scene:
    """The rows that an act looks at: vehicles by id, what holds each at its instant or later, the driver it names,
    and when each vehicle was out of the fleet, where that matters."""

    vehicles: dict[UUID, Vehicle]
    held: Mapping[UUID, Sequence[Assignment]] = field(default_factory=dict)
    driver: Driver | None = None
    absences: Mapping[UUID, Sequence[VehicleAbsence]] = field(default_factory=dict)


class Act(Protocol):
    """One act. `at` is its instant and `driver_id` whom it names, where it has them."""

    name: ClassVar[str]
    at: datetime | None
    driver_id: UUID | None

    def check(self, scene: Scene, vehicle: Vehicle, actor: Actor) -> object:
        """What there is to do on a vehicle. Raises Refused, or Overlap, when it can't be done."""

    def carry_out(
        self,
        session: TenantSession,
        scene: Scene,
        found: Sequence[tuple[Vehicle, object]],
        actor: Actor,
        as_of: datetime,
    ) -> None:
        """Do what the checks found, on locked vehicles."""

    def as_json(self) -> dict:
        """The act as a task keeps it."""

    def words(self, name_of_driver: str, actor: Actor) -> str:
        """What it does, as a title."""


@dataclass(frozen=True)
class Reassign:
    """Hand each vehicle to one driver from an instant; whoever holds it then stops then."""

    driver_id: UUID
    at: datetime
    name: ClassVar[str] = "reattribuer"

    def check(self, scene: Scene, vehicle: Vehicle, actor: Actor) -> Assignment | None:
        if scene.driver is None:
            raise Refused(NO_DRIVER, "driver")
        held, absences = scene.held.get(vehicle.id, ()), scene.absences.get(vehicle.id, ())
        return steps.check_hand_over(vehicle, scene.driver, held, self.at, actor, absences)

    def carry_out(self, session, scene, found, actor, as_of) -> None:
        for _, current in found:
            if current is not None:
                steps.end_at(session, current, self.at, actor, as_of)
        session.flush()  # what ends makes room for what begins
        for vehicle, _ in found:
            steps.new_assignment(session, vehicle, scene.driver, (self.at, None), actor, as_of)

    def as_json(self) -> dict:
        return {"act": self.name, "driver_id": str(self.driver_id), "at": self.at.isoformat()}

    def words(self, name_of_driver: str, actor: Actor) -> str:
        return f"Réattribuer à {name_of_driver} à partir du {instant(self.at, actor.zone)}"


@dataclass(frozen=True)
class End:
    """End the assignment that holds each vehicle at an instant."""

    at: datetime
    driver_id: None = None
    name: ClassVar[str] = "terminer"

    def check(self, scene: Scene, vehicle: Vehicle, actor: Actor) -> Assignment:
        current = next((row for row in scene.held.get(vehicle.id, ()) if row.starts_at <= self.at), None)
        if current is None:
            raise Refused(NOBODY, "at")
        steps.check_end(current, self.at, actor)
        return current

    def carry_out(self, session, scene, found, actor, as_of) -> None:
        for _, current in found:
            steps.end_at(session, current, self.at, actor, as_of)

    def as_json(self) -> dict:
        return {"act": self.name, "at": self.at.isoformat()}

    def words(self, name_of_driver: str, actor: Actor) -> str:
        return f"Terminer les attributions le {end_text(self.at, actor.zone)}"


@dataclass(frozen=True)
class Change:
    """Write the same site, cost centre or both on each vehicle; an empty text clears what stands there."""

    values: Mapping[str, str]
    at: None = None
    driver_id: None = None
    name: ClassVar[str] = "modifier"

    def check(self, scene: Scene, vehicle: Vehicle, actor: Actor) -> list[str]:
        changed = steps.changed_fields(vehicle, self.values)
        if not changed:
            raise Refused(SAME)
        return changed

    def carry_out(self, session, scene, found, actor, as_of) -> None:
        for vehicle, changed in found:
            for name in changed:
                setattr(vehicle, name, self.values[name])
            steps.record(session, "vehicule.modifie", ("vehicule", vehicle.id), actor, as_of, {"champs": changed})

    def as_json(self) -> dict:
        return {"act": self.name, "values": dict(self.values)}

    def words(self, name_of_driver: str, actor: Actor) -> str:
        told = [
            f"Nouveau {FIELDS[name]}\u00a0: «\u00a0{text}\u00a0»" if text else f"Vider le {FIELDS[name]}"
            for name, text in self.values.items()
        ]
        return ", ".join(told)


def act_from_json(content: Mapping) -> Act:
    """The reverse of `as_json`."""
    if content["act"] == Change.name:
        return Change(content["values"])
    at = datetime.fromisoformat(content["at"])
    return Reassign(UUID(content["driver_id"]), at) if content["act"] == Reassign.name else End(at)
