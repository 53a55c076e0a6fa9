"""Correcting an answer that the agency has registered: another one replaces it, if the agency takes it."""

from datetime import datetime
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.refusals import Refused
from eprunes.fines import counting, events
from eprunes.fines.answering import OPEN_STATES, AnswerMove, AnswerState, move
from eprunes.fines.designation_rules import declares_the_same
from eprunes.fines.models import Answer, Channel
from eprunes.fines.notice_details import key_of, open_snapshot
from eprunes.fines.queries import answers_of
from eprunes.fines.services import designating, steps
from eprunes.fleet.driver_details import DriverDetails, from_json
from eprunes.fleet.models import DriverKind

NOTHING_TO_CORRECT = "Cet avis n’a pas de réponse à corriger\u00a0: répondez-y."
BY_LETTER = "Cette réponse est partie par la poste\u00a0: écrivez à l’adresse indiquée sur l’avis pour la corriger."
UNDER_WAY = "Une correction de cette réponse vient déjà d’être envoyée\u00a0: attendez ce que l’ANTAI en dit."
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
    as_of: datetime,
) -> None:
    """Designate somebody else, in place of an answer that the agency has registered (C4.3-c).

    The notice stays answered. Until the agency says otherwise the correction stands; if it refuses it, the answer
    that it was to replace stands again. Raises NotVisible, or Refused as `designate` does, and where there is nothing
    registered by the agency to correct.
    """
    told = {"kind": kind, "details": details, "keep_in_fleet": keep_in_fleet}
    with designating.newcomer(actor, driver_id, **told, as_of=as_of) as added, steps.answering(actor) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        given = session.scalars(answers_of(notice.organisation_id, notice.id).with_for_update()).all()
        standing = next((one for one in given if one.state in OPEN_STATES), None)
        after = _corrected(standing)
        declared = {"driver_id": driver_id, **told, "because": because}
        snapshot = designating.let_declare(session, actor, notice, **declared, as_of=as_of)
        if _says_the_same(snapshot, open_snapshot(key_of(notice), standing)):
            raise Refused(SAME)
        with counting.follow(session, [notice]):
            standing.state = after
            session.flush()
            named = designating.keep_newcomer(session, actor, added, as_of) or driver_id
            given = steps.Given(designating.DESIGNATION, snapshot, driver_id=named, replaces=standing.id)
            steps.add_answer(session, actor, notice, given, events.CORRECTED, as_of)


def _corrected(standing: Answer | None) -> AnswerState:
    """The state of an answer once it is corrected. Raises Refused."""
    if standing is None:
        raise Refused(NOTHING_TO_CORRECT)
    if standing.channel == Channel.LETTER:
        raise Refused(BY_LETTER)
    if standing.replaces is not None and standing.state in (AnswerState.CONFIRMED, AnswerState.SENDING):
        raise Refused(UNDER_WAY)
    return move(AnswerState(standing.state), AnswerMove.CORRECT)


def _says_the_same(snapshot: dict, before: dict) -> bool:
    same_kind = "conducteur" in before and before["qualite"] == snapshot["qualite"]
    return same_kind and declares_the_same(from_json(snapshot["conducteur"]), before)
