"""What users decide about a notice: designate, report an impossibility, file, reopen. One transaction each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.audit import ActorKind
from eprunes.core.calendar import local_day, paris_day
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import designation_rules, events
from eprunes.fines.answering import (
    AnswerState,
    FilingReason,
    ImpossibilityReason,
    NoticeMove,
    NoticeState,
    move_notice,
)
from eprunes.fines.catalogue import offences_for
from eprunes.fines.models import Answer, Notice, NoticeEvent
from eprunes.fines.notice_details import ANSWER_TABLE
from eprunes.fines.queries import visible_notices
from eprunes.fleet import driver_details
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation
from eprunes.fleet.models import Driver, DriverKind

DESIGNATION = "designation"
IMPOSSIBILITY = "impossibilite"
_EARLIEST_PROOF = date(2000, 1, 1)
GONE = "Cet avis n’existe pas, ou n’est plus ouvert à votre compte\u00a0: une réponse a peut-être déjà été donnée."
DRIVER_GONE = "Ce conducteur n’existe plus, choisissez-en un autre."
DUTY = (
    "Cette infraction peut retirer des points\u00a0: la loi vous impose de désigner le conducteur (Code de la route, "
    "article L. 121-6). Choisissez un autre motif, ou répondez."
)
_ALREADY = "Une réponse a déjà été donnée à cet avis."


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
    with _answering(actor) as session:
        notice = _notice_to_change(session, actor, notice_id, as_of)
        details = _declarable(details, local_day(as_of, actor.zone), notice.offence_day)
        snapshot = {"conducteur": driver_details.to_json(details), "qualite": kind}
        driver = _driver(session, actor, driver_id)
        if driver is not None and keep_in_fleet:
            _update_driver(driver, details)
        _confirm(session, actor, notice, DESIGNATION, None, driver_id, snapshot, as_of)


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
    with _answering(actor) as session:
        notice = _notice_to_change(session, actor, notice_id, as_of)
        _confirm(session, actor, notice, IMPOSSIBILITY, reason, None, snapshot, as_of)


def file_notice(actor: Actor, notice_id: UUID, *, reason: FilingReason, as_of: datetime) -> None:
    """Classify a notice without designation; not an answer, so that its window runs on (decision 7).

    Raises Refused for "no duty to designate" where the catalogue says that there is one.
    """
    if reason is FilingReason.NO_DUTY:
        _refuse_where_law_asks(actor, notice_id, as_of)
    _change_state(actor, notice_id, NoticeMove.FILE, events.FILED, as_of, reason)


def reopen_notice(actor: Actor, notice_id: UUID, *, as_of: datetime) -> None:
    """Take a classified notice back among those to answer."""
    _change_state(actor, notice_id, NoticeMove.REOPEN, events.REOPENED, as_of, None)


def note_list_seen(actor: Actor, *, view: str, found: int, is_searched: bool, as_of: datetime) -> None:
    """Trace that an actor saw a list of notices: one entry, with the view and how many were found (C11)."""
    details = {"vue": view, "nombre": found, "recherche": is_searched}
    with tenant_session(actor.organisation_id, write=True) as session:
        audit.record(session, "avis.liste_consultee", as_of=as_of, details=details, **_reader(actor))


def note_opened(actor: Actor, notice: Notice, *, as_of: datetime) -> None:
    """Trace that an actor saw a notice: once in its thread, each time in the journal.

    What an operator sees during a visit stands in the journal alone.
    """
    with tenant_session(notice.organisation_id, write=True) as session:
        if not actor.is_visiting:
            _note_in_thread(session, notice, actor.user_id, as_of)
        about = "avis", notice.id
        audit.record(session, "avis.consulte", as_of=as_of, subject=about, **_reader(actor))


def _reader(actor: Actor) -> dict:
    """Who reads, as the journal names them: an operator on a visit has no user."""
    if actor.is_visiting:
        return {"actor_id": actor.identity_id, "actor_kind": ActorKind.OPERATOR}
    return {"actor_id": actor.user_id, "actor_kind": ActorKind.USER}


def _note_in_thread(session: TenantSession, notice: Notice, user_id: UUID, as_of: datetime) -> None:
    already = session.scalar(
        select(NoticeEvent.id)
        .where(
            NoticeEvent.organisation_id == notice.organisation_id,
            NoticeEvent.notice_id == notice.id,
            NoticeEvent.kind == events.OPENED,
            NoticeEvent.actor_id == user_id,
        )
        .limit(1)
    )
    if already is None:
        events.add(session, notice.id, events.OPENED, as_of, user_id)


@contextmanager
def _answering(actor: Actor) -> Iterator[TenantSession]:
    """A write session in which losing the race for the one standing answer reads as a refusal."""
    try:
        with tenant_session(actor.organisation_id, write=True) as session:
            yield session
    except IntegrityError as clash:
        if "uq_answers_standing" in str(clash.orig) or "answers.notice_id" in str(clash.orig):
            raise Refused(_ALREADY) from clash
        raise


def _notice_to_change(session: TenantSession, actor: Actor, notice_id: UUID, as_of: datetime) -> Notice:
    query = visible_notices(actor, as_of).where(Notice.id == notice_id).with_for_update()
    notice = session.scalar(query)
    if notice is None:
        raise NotVisible(GONE)
    return notice


def _declarable(details: DriverDetails, today: date, offence_day: date) -> DriverDetails:
    """The details, tidy. Raises Refused with the first problem, or with all that is missing."""
    tidy, problems = designation_rules.tidied(details, today, offence_day)
    for field, sentence in problems.items():
        raise Refused(sentence, field)
    if missing := missing_for_designation(tidy):
        raise Refused(f"Il manque pour désigner ce conducteur\u00a0: {', '.join(missing)}.")
    return tidy


def _refuse_where_law_asks(actor: Actor, notice_id: UUID, as_of: datetime) -> None:
    with tenant_session(actor.organisation_id) as session:
        query = visible_notices(actor, as_of).where(Notice.id == notice_id)
        asked = {(one.natinf, one.offence_day) for one in session.scalars(query)}
    if any(line.designation_required for line in offences_for(asked).values()):
        raise Refused(DUTY, "filing_reason")


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


def _confirm(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    kind: str,
    reason: str | None,
    driver_id: UUID | None,
    snapshot: dict,
    as_of: datetime,
) -> None:
    notice.state = move_notice(NoticeState(notice.state), NoticeMove.ANSWER)
    notice.is_answered = True
    notice.filing_reason = None
    session.add(_answer(notice, kind, reason, driver_id, snapshot, actor, as_of))
    session.flush()
    events.add(session, notice.id, events.ANSWERED, as_of, actor.user_id)
    audit.record(
        session,
        f"avis.{kind}",
        as_of=as_of,
        actor_id=actor.user_id,
        subject=("avis", notice.id),
        details={"motif": reason} if reason else {},
    )


def _answer(
    notice: Notice,
    kind: str,
    reason: str | None,
    driver_id: UUID | None,
    snapshot: dict,
    actor: Actor,
    as_of: datetime,
) -> Answer:
    answer_id = new_id()
    key = key_store().keys(notice.organisation_id, [notice.key_id])[notice.key_id]
    return Answer(
        organisation_id=notice.organisation_id,
        id=answer_id,
        notice_id=notice.id,
        kind=kind,
        reason=reason,
        driver_id=driver_id,
        state=AnswerState.CONFIRMED,
        author_id=actor.user_id,
        confirmed_at=as_of,
        agency_reference=answer_id.hex,
        next_attempt_at=as_of,
        key_id=notice.key_id,
        box=seal(key, notice.organisation_id, ANSWER_TABLE, answer_id, snapshot),
    )


def _change_state(
    actor: Actor, notice_id: UUID, change: NoticeMove, event: str, as_of: datetime, reason: FilingReason | None
) -> None:
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = _notice_to_change(session, actor, notice_id, as_of)
        notice.state = move_notice(NoticeState(notice.state), change)
        notice.filing_reason = reason
        events.add(session, notice.id, event, as_of, actor.user_id)
        audit.record(session, f"avis.{event}", as_of=as_of, actor_id=actor.user_id, subject=("avis", notice.id))
