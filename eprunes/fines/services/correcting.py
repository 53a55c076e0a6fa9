"""Correcting an answer that the agency has registered: another one replaces it, if the agency takes it.

The notice stays answered. Until the agency says otherwise the correction stands; if it refuses it, the answer that it
was to replace stands again.
"""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused
from eprunes.fines import counting, events
from eprunes.fines.answering import OPEN_STATES, AnswerMove, AnswerState, ImpossibilityReason, move
from eprunes.fines.designation_rules import declares_the_same
from eprunes.fines.models import Answer, Channel, Notice
from eprunes.fines.notice_details import key_of, open_snapshot
from eprunes.fines.queries import answers_of
from eprunes.fines.services import attachments, designating, steps
from eprunes.fines.services.attachments import Sent
from eprunes.fines.services.designating import Proof
from eprunes.fleet.driver_details import DriverDetails, from_json
from eprunes.fleet.models import DriverKind

NOTHING_TO_CORRECT = "Cet avis n’a pas de réponse à corriger\u00a0: répondez-y."
BY_LETTER = "Cette réponse est partie par la poste\u00a0: écrivez à l’adresse indiquée sur l’avis pour la corriger."
UNDER_WAY = "Une correction de cette réponse vient déjà d’être envoyée\u00a0: attendez ce que l’ANTAI en dit."
OTHER_NOW = (
    "La réponse enregistrée a changé depuis que cette page a été affichée\u00a0: relisez-la, puis envoyez à nouveau."
)
SAME = "Cette correction déclare la même chose que la réponse enregistrée."


def correct(
    actor: Actor,
    notice_id: UUID,
    *,
    driver_id: UUID | None,
    kind: DriverKind,
    details: DriverDetails,
    keep_in_fleet: bool,
    because: str,
    seen: str = "",
    as_of: datetime,
) -> None:
    """Designate a driver in place of what the agency has registered: somebody else, or an impossibility (C4.3-c).

    `seen`: the id of the answer that the person saw. Raises NotVisible, or Refused as `designate` does, and where there
    is nothing registered by the agency to correct, or something else by now.
    """
    told = {"kind": kind, "details": details, "keep_in_fleet": keep_in_fleet}
    with designating.newcomer(actor, driver_id, **told, as_of=as_of) as added, steps.answering(actor) as session:
        notice, standing = _to_correct(session, actor, notice_id, seen, as_of)
        declared = {"driver_id": driver_id, **told, "because": because}
        snapshot = designating.let_declare(session, actor, notice, **declared, as_of=as_of)
        named = designating.keep_newcomer(session, actor, added, as_of) or driver_id
        given = steps.Given(designating.DESIGNATION, snapshot, driver_id=named, replaces=standing.id)
        _replace(session, actor, notice, standing, given, as_of)


def correct_as_impossible(
    actor: Actor,
    notice_id: UUID,
    *,
    reason: ImpossibilityReason,
    comment: str,
    proofs: list[Proof],
    supporting: Sent | None,
    seen: str = "",
    as_of: datetime,
) -> None:
    """Report that no driver can be designated, in place of what the agency has registered: a designation, or an
    impossibility for another reason or with other proofs (C4.3-c).

    Raises NotVisible, or Refused as `report_impossibility` does, and where there is nothing to correct.
    """
    told = {"reason": reason, "comment": comment, "proofs": proofs}
    with (
        attachments.sealing(actor, designating.files_of(proofs, supporting), as_of) as sealed,
        steps.answering(actor) as session,
    ):
        notice, standing = _to_correct(session, actor, notice_id, seen, as_of)
        snapshot = designating.let_report(session, actor, notice, **told, sealed=sealed, as_of=as_of)
        given = steps.Given(designating.IMPOSSIBILITY, snapshot, reason=reason, replaces=standing.id)
        _replace(session, actor, notice, standing, given, as_of)


def refuse_other(standing: Answer, seen: str) -> None:
    """Raise Refused where a page showed another answer (`seen`, its id) than the one that stands."""
    if seen and seen != str(standing.id):
        raise Refused(OTHER_NOW)


def _to_correct(
    session: TenantSession, actor: Actor, notice_id: UUID, seen: str, as_of: datetime
) -> tuple[Notice, Answer]:
    """The notice and its answer that stands, locked. Raises NotVisible, or Refused where that may not be corrected."""
    notice = steps.notice_to_change(session, actor, notice_id, as_of)
    given = session.scalars(answers_of(notice.organisation_id, notice.id).with_for_update()).all()
    standing = next((one for one in given if one.state in OPEN_STATES), None)
    if standing is None:
        raise Refused(NOTHING_TO_CORRECT)
    if standing.channel == Channel.LETTER:
        raise Refused(BY_LETTER)
    if standing.replaces is not None and standing.state in (AnswerState.CONFIRMED, AnswerState.SENDING):
        raise Refused(UNDER_WAY)
    refuse_other(standing, seen)
    move(AnswerState(standing.state), AnswerMove.CORRECT)  # refuses what the agency has not registered
    return notice, standing


def _replace(
    session: TenantSession, actor: Actor, notice: Notice, standing: Answer, given: steps.Given, as_of: datetime
) -> None:
    """Let the correction stand instead; does not commit. Raises Refused where it says nothing else."""
    if _says_the_same(given.snapshot, open_snapshot(key_of(notice), standing)):
        raise Refused(SAME)
    with counting.follow(session, [notice]):
        standing.state = move(AnswerState(standing.state), AnswerMove.CORRECT)
        session.flush()
        steps.add_answer(session, actor, notice, given, events.CORRECTED, as_of)


def _says_the_same(snapshot: dict, before: dict) -> bool:
    """Whether the agency would read of both the same; it is not sent the files."""
    if ("conducteur" in snapshot) != ("conducteur" in before):
        return False
    if "conducteur" not in snapshot:
        return _reported(snapshot) == _reported(before)
    return before["qualite"] == snapshot["qualite"] and declares_the_same(from_json(snapshot["conducteur"]), before)


def _reported(impossibility: dict) -> tuple:
    pieces = [(one["nature"], one["reference"], one["date"]) for one in impossibility["pieces"]]
    return impossibility["motif"], impossibility["commentaire"], pieces
