"""What to answer when the offence came after the vehicle had left the fleet: nobody can be named, and why.

Proposed from the exit as the fleet knows it now, whenever it was written down; the user checks and confirms.
"""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from eprunes.core.database import TenantSession
from eprunes.core.wording import instant
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.models import Notice
from eprunes.fleet import exits, queries
from eprunes.fleet.local_times import end_text, typed_end
from eprunes.fleet.models import ExitReason, Vehicle

# Code de la route, A. 121-1, knows no return to a lessor: the vehicle is not ours any more, and the facts say why.
_REASONS = {
    ExitReason.SOLD: ImpossibilityReason.SALE,
    ExitReason.STOLEN: ImpossibilityReason.THEFT,
    ExitReason.DESTROYED: ImpossibilityReason.DESTRUCTION,
    ExitReason.RETURNED: ImpossibilityReason.NOT_OUR_VEHICLE,
}
_FACTS = {
    ExitReason.SOLD: "Véhicule vendu ou cédé",
    ExitReason.STOLEN: "Véhicule volé",
    ExitReason.DESTROYED: "Véhicule détruit",
    ExitReason.RETURNED: "Véhicule restitué au loueur",
    ExitReason.OTHER: "Véhicule sorti de notre parc",
}


@dataclass(frozen=True)
class Departure:
    """An exit before the offence: the impossibility that it leads to (None: to be chosen), the facts in a sentence,
    its local day, and by what name each proof is kept ("" where none is)."""

    left_at: datetime
    reason: ImpossibilityReason | None
    facts: str
    day: date
    references: tuple[str, ...]

    @property
    def values(self) -> dict:
        """What the form of an impossibility starts with."""
        if self.reason is None or not self.reason.requirements.proofs:
            return {"reason": self.reason, "comment": self.facts}
        first, second, *_ = (*self.references, "", "")
        proofs = {"first_reference": first, "first_date": self.day, "second_reference": second}
        return {"reason": self.reason, "comment": self.facts, **proofs}


def departure_before(
    session: TenantSession, notice: Notice, vehicle: Vehicle | None, zone: ZoneInfo
) -> Departure | None:
    """The exit of a notice's vehicle, if the offence came at that instant or later, and before any return; or None."""
    if vehicle is None:
        return None
    absences = queries.absences_of(session, [vehicle.id]).get(vehicle.id, ())
    found = exits.exit_by(vehicle, absences, notice.offence_at)
    if found is None:
        return None
    because = found.because
    references = exits.references_of(session, exits.proofs_of(session, vehicle, because))
    facts = _FACTS[because]
    if because is ExitReason.RETURNED and vehicle.lessor:
        facts += f" {vehicle.lessor}"
    facts += f" le {end_text(found.left_at, zone)}, avant l’infraction"
    facts += f", et revenu dans notre parc le {instant(found.back_at, zone)}." if found.back_at else "."
    if because is ExitReason.RETURNED and any(references):
        facts += f" Procès-verbal de restitution\u00a0: {references[0]}."
    day = typed_end(found.left_at, zone)[0]
    return Departure(found.left_at, _REASONS.get(because), facts, day, tuple(references))
