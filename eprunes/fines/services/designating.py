"""Answering a notice: designating the driver, or reporting that it is impossible."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day, paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.fines import designation_rules
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.models import Notice
from eprunes.fines.services import steps
from eprunes.fleet import driver_details
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation
from eprunes.fleet.models import Driver, DriverKind

DESIGNATION = "designation"
IMPOSSIBILITY = "impossibilite"
DRIVER_GONE = "Ce conducteur n’existe plus, choisissez-en un autre."
_EARLIEST_PROOF = date(2000, 1, 1)


@dataclass(frozen=True)
class Proof:
    """Pièce justificative : what it is, its reference and its date."""

    nature: str
    reference: str
    dated: date


def designate(
    actor: Actor,
    notice_id: UUID,
    *,
    driver_id: UUID | None,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    as_of: datetime,
) -> None:
    """Confirm the designation of exactly one driver (C4.3-c); from this commit on the notice is answered.

    `details` are sealed with the answer as they are declared; the driver's own file changes only with
    `keep_in_fleet`. Raises NotVisible, or Refused when a detail is missing or somebody answered first.
    """
    with steps.answering(actor) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        declared = {"driver_id": driver_id, "kind": kind, "details": details, "keep_in_fleet": keep_in_fleet}
        let_designate(session, actor, notice, **declared, as_of=as_of)


def let_designate(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    *,
    driver_id: UUID | None,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    as_of: datetime,
) -> None:
    """The step of a designation on a notice that is locked; does not commit. Raises Refused, as `designate`."""
    details = _declarable(details, local_day(as_of, actor.zone), notice.offence_day)
    snapshot = {"conducteur": driver_details.to_json(details), "qualite": kind}
    driver = _driver(session, actor, driver_id)
    if driver is not None and keep_in_fleet:
        _update_driver(driver, details)
    steps.confirm(session, actor, notice, DESIGNATION, None, driver_id, snapshot, as_of)


def report_impossibility(
    actor: Actor,
    notice_id: UUID,
    *,
    reason: ImpossibilityReason,
    comment: str,
    proofs: list[Proof],
    as_of: datetime,
) -> None:
    """Report that no driver can be designated (C4.3-c), for a reason of the closed list with its proofs.

    Raises NotVisible, or Refused when a proof or the statement is missing, or somebody answered first.
    """
    needed = reason.requirements
    if needed.needs_statement and not comment.strip():
        raise Refused("Exposez les faits\u00a0: l’ANTAI demande une déclaration motivée.", "comment")
    if any(not _EARLIEST_PROOF <= proof.dated <= paris_day(as_of) for proof in proofs):
        raise Refused("La date d’une pièce est invraisemblable ou dans le futur.", "proofs")
    if len(proofs) < len(needed.proofs):
        wanted = "\u00a0; ".join(needed.proofs)
        raise Refused(f"Indiquez la référence et la date de chaque pièce\u00a0: {wanted}.", "proofs")
    snapshot = {
        "motif": reason,
        "commentaire": comment.strip(),
        "pieces": [
            {"nature": proof.nature, "reference": proof.reference, "date": proof.dated.isoformat()} for proof in proofs
        ],
    }
    with steps.answering(actor) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        steps.confirm(session, actor, notice, IMPOSSIBILITY, reason, None, snapshot, as_of)


def _declarable(details: DriverDetails, today: date, offence_day: date) -> DriverDetails:
    """The details, tidy. Raises Refused with the first problem, or with all that is missing."""
    tidy, problems = designation_rules.tidied(details, today, offence_day)
    for field, sentence in problems.items():
        raise Refused(sentence, field)
    if missing := missing_for_designation(tidy):
        raise Refused(f"Il manque pour désigner ce conducteur\u00a0: {', '.join(missing)}.")
    return tidy


def _driver(session: TenantSession, actor: Actor, driver_id: UUID | None) -> Driver | None:
    if driver_id is None:
        return None
    query = select(Driver).where(Driver.organisation_id == actor.organisation_id, Driver.id == driver_id)
    driver = session.scalar(query.with_for_update())
    if driver is None:
        raise Refused(DRIVER_GONE)
    return driver


def _update_driver(driver: Driver, details: DriverDetails) -> None:
    key = key_store().keys(driver.organisation_id, [driver.key_id])[driver.key_id]
    driver.box = driver_details.seal_details(key, driver.organisation_id, driver.id, details)
    driver.is_designable = True
