"""Answering a notice: designating the driver, or reporting that it is impossible."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core.calendar import local_day, paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import Refused
from eprunes.fines import designation_rules
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.asking.driver_requests import denied_by
from eprunes.fines.channels import check_channel
from eprunes.fines.holders import holder_ids
from eprunes.fines.models import Channel, Notice, NoticeFileKind
from eprunes.fines.notice_versions import refuse_unseen
from eprunes.fines.services import attachments, steps
from eprunes.fines.services.attachments import Sealable, Sent
from eprunes.fleet import driver_details
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation
from eprunes.fleet.duplicates import find_namesakes
from eprunes.fleet.models import Driver, DriverKind
from eprunes.fleet.services import drivers

DESIGNATION = "designation"
IMPOSSIBILITY = "impossibilite"
NOT_YOUR_FLEET = "Votre compte ne permet pas d’ajouter un conducteur au parc\u00a0: désignez-le sans l’ajouter."
KNOWN_NAME = (
    "Votre parc a déjà un conducteur de ce nom\u00a0: choisissez-le par «\u00a0Choisir un autre conducteur\u00a0», ou "
    "décochez cette case."
)
DRIVER_GONE = "Ce conducteur n’existe plus, choisissez-en un autre."
_EARLIEST_PROOF = date(2000, 1, 1)


@dataclass(frozen=True)
class Proof:
    """Pièce justificative : what it is, its reference, its date, and the file sent with it, if any."""

    nature: str
    reference: str
    dated: date
    file: Sent | None = None


def designate(
    actor: Actor,
    notice_id: UUID,
    *,
    driver_id: UUID | None,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    as_of: datetime,
    because: str = "",
    channel: Channel = Channel.AGENCY,
    seen: str = "",
) -> None:
    """Confirm the designation of exactly one driver (C4.3-c); from this commit on the notice is answered.

    `details` are sealed with the answer as they are declared. `keep_in_fleet`: the driver's own file says the same
    from now on; a driver without a file gets one. `because`: why this driver, where the fleet says that they did not
    have the vehicle then. `seen`: the version of the notice that the person saw. Raises NotVisible, or Refused when a
    detail is missing, the notice changed meanwhile, or somebody answered first.
    """
    told = {"kind": kind, "details": details, "keep_in_fleet": keep_in_fleet}
    with newcomer(actor, driver_id, **told, as_of=as_of) as added, steps.answering(actor) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        refuse_unseen(notice, seen, as_of)
        check_channel(notice, channel)
        snapshot = let_declare(session, actor, notice, driver_id=driver_id, **told, because=because, as_of=as_of)
        named = keep_newcomer(session, actor, added, as_of) or driver_id
        given = steps.Given(DESIGNATION, snapshot, driver_id=named, channel=channel)
        steps.confirm(session, actor, notice, given, as_of)


@contextmanager
def newcomer(
    actor: Actor,
    driver_id: UUID | None,
    *,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    as_of: datetime,
) -> Iterator[Driver | None]:
    """Around the transaction of a designation: the driver whom it adds to the fleet, or None. Raises Refused for who
    may not change the fleet, and where it has a driver of that name already.
    """
    if driver_id is not None or not keep_in_fleet:
        yield None
        return
    if not actor.may(Permission.EDIT_FLEET):
        raise Refused(NOT_YOUR_FLEET)
    with tenant_session(actor.organisation_id) as session:
        if find_namesakes(session, actor, details):
            raise Refused(KNOWN_NAME, "keep_in_fleet")
    with drivers.newcomer(actor=actor, details=details, kind=kind, as_of=as_of) as added:
        yield added


def keep_newcomer(session: TenantSession, actor: Actor, added: Driver | None, as_of: datetime) -> UUID | None:
    """Within that transaction: the driver added, if any, is in the fleet; returns their id."""
    if added is None:
        return None
    drivers.keep_newcomer(session, actor, added, (), as_of)
    return added.id


def let_declare(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    *,
    driver_id: UUID | None,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    because: str,
    as_of: datetime,
) -> dict:
    """What a designation declares, ready to be sealed, its driver's file in line; does not commit. Raises Refused."""
    snapshot = declared(actor, notice, kind=kind, details=details, because=because, as_of=as_of)
    driver, told = _driver(session, actor, driver_id), driver_details.from_json(snapshot["conducteur"])
    if "pourquoi" not in snapshot:
        _refuse_unexplained(session, notice, driver_id, driver, told)
    if driver is not None and keep_in_fleet:
        drivers.rewrite_details(session, actor, driver, told, as_of)
    return snapshot


def _refuse_unexplained(
    session: TenantSession, notice: Notice, driver_id: UUID | None, driver: Driver | None, told: DriverDetails
) -> None:
    """Raises Refused on `because` where the fleet, or that person, says something else than the designation."""
    holders, denied = holder_ids(session, notice), denied_by(session, notice)
    if asked := designation_rules.to_explain(notice, driver_id, holders, denied):
        raise Refused(asked, "because")
    known = driver_details.open_details(key_store(), [driver] if driver else []).get(driver_id)
    if known is not None and designation_rules.is_somebody_else(known, told):
        raise Refused(designation_rules.SOMEBODY_ELSE, "because")


def declared(
    actor: Actor, notice: Notice, *, kind: DriverKind, details: DriverDetails, because: str = "", as_of: datetime
) -> dict:
    """What a designation declares, ready to be sealed; looks at nothing of the fleet. Raises Refused."""
    designation_rules.refuse_unanswerable(notice)
    tidy, why = _declarable(details, local_day(as_of, actor.zone), notice.offence_day), because.strip()
    return {"conducteur": driver_details.to_json(tidy), "qualite": kind, **({"pourquoi": why} if why else {})}


def report_impossibility(
    actor: Actor,
    notice_id: UUID,
    *,
    reason: ImpossibilityReason,
    comment: str,
    proofs: list[Proof],
    as_of: datetime,
    supporting: Sent | None = None,
    channel: Channel = Channel.AGENCY,
    seen: str = "",
) -> None:
    """Report that no driver can be designated (C4.3-c), for a reason of the closed list with its proofs.

    Files sent with the proofs, or in support of a statement, are kept with the notice. `seen`: as for `designate`.
    Raises NotVisible, or Refused when a proof or the statement is missing, a file is not what it says, the notice
    changed meanwhile, or somebody answered first.
    """
    told = {"reason": reason, "comment": comment, "proofs": proofs}
    with (
        attachments.sealing(actor, files_of(proofs, supporting), as_of) as sealed,
        steps.answering(actor) as session,
    ):
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        refuse_unseen(notice, seen, as_of)
        check_channel(notice, channel)
        snapshot = let_report(session, actor, notice, **told, sealed=sealed, as_of=as_of)
        given = steps.Given(IMPOSSIBILITY, snapshot, reason=reason, channel=channel)
        steps.confirm(session, actor, notice, given, as_of)


def files_of(proofs: Sequence[Proof], supporting: Sent | None) -> list[Sent]:
    """The files sent with an impossibility: its proofs', and one in support of a statement."""
    return [one for one in (*(proof.file for proof in proofs), supporting) if one]


def let_report(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    *,
    reason: ImpossibilityReason,
    comment: str,
    proofs: list[Proof],
    sealed: Sequence[Sealable],
    as_of: datetime,
) -> dict:
    """What an impossibility declares, ready to be sealed, its files (`sealed`) kept with the notice; does not commit.
    Raises Refused.
    """
    designation_rules.refuse_unanswerable(notice)
    _check_proofs(reason, comment, proofs, as_of)
    designation_rules.refuse_held(reason, comment, holder_ids(session, notice))
    designation_rules.refuse_late_sale(reason, [one.dated for one in proofs], comment, notice.offence_day)
    kept = attachments.keep(session, actor, notice, NoticeFileKind.PROOF, sealed, as_of)
    return {"motif": reason, "commentaire": comment.strip(), "pieces": [_piece(one, kept) for one in proofs]}


def _check_proofs(reason: ImpossibilityReason, comment: str, proofs: list[Proof], as_of: datetime) -> None:
    needed = reason.requirements
    if needed.needs_statement and not comment.strip():
        raise Refused("Exposez les faits\u00a0: l’ANTAI demande une déclaration motivée.", "comment")
    for proof in proofs:
        if not _EARLIEST_PROOF <= proof.dated <= paris_day(as_of):
            raise Refused(f"{proof.nature}\u00a0: cette date est invraisemblable ou dans le futur.", "proofs")
    if [one.dated for one in proofs] != sorted(one.dated for one in proofs):
        raise Refused(f"{proofs[-1].nature}\u00a0: cette date précède celle de la pièce d’avant.", "proofs")
    if len(proofs) < len(needed.proofs):
        wanted = "\u00a0; ".join(needed.proofs)
        raise Refused(f"Indiquez la référence et la date de chaque pièce\u00a0: {wanted}.", "proofs")


def _piece(proof: Proof, kept: dict[Sent, UUID]) -> dict:
    """A proof as it is sealed with the answer, with the id of its file."""
    told = {"nature": proof.nature, "reference": proof.reference, "date": proof.dated.isoformat()}
    return told | ({"fichier": str(kept[proof.file])} if proof.file else {})


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
