"""Letters that answer notices: printed, then posted by a person, who says so."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import audit
from eprunes.core.calendar import PARIS, local_day, paris_day, start_of_day
from eprunes.core.database import TenantSession, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import counting, events
from eprunes.fines.answering import AnswerMove, AnswerState, move
from eprunes.fines.models import Answer, Channel, Notice
from eprunes.fines.paper.letter_pages import Head, written
from eprunes.fines.paper.letters import render
from eprunes.fines.services import steps

ALREADY = "Cette lettre est déjà notée comme postée."
NONE_CHOSEN = "Choisissez au moins une lettre à imprimer."
BAD_RECEIPT = "Le numéro de recommandé comporte de 8 à 20 lettres ou chiffres (exemple\u00a0: 1A 123 456 789 0123)."
_RECEIPT = re.compile(r"[0-9A-Z]{8,20}", re.ASCII)


def print_letters(
    actor: Actor, session: TenantSession, notice_ids: Sequence[UUID], *, head: Head, as_of: datetime
) -> bytes:
    """The letters of these notices as one PDF; each is traced. Raises Refused when there is none that may be seen."""
    found = written(actor, session, notice_ids, head, as_of) if actor.may(Permission.VIEW_ARCHIVE) else []
    if not found:
        raise Refused(NONE_CHOSEN)
    with tenant_session(actor.organisation_id, write=True) as trace:
        for notice, _ in found:
            about = {"subject": ("avis", notice.id), "actor_id": actor.user_id}
            audit.record(trace, "avis.lettre_imprimee", as_of=as_of, **about)
    return render([letter for _, letter in found], as_of)


def note_posted(actor: Actor, notice_id: UUID, *, receipt_number: str, posted_on: date, as_of: datetime) -> None:
    """Note that the letter went by registered post: from then on it is the answer, as one that is registered.

    Raises NotVisible, or Refused: no letter waits, a day that can't be, a number that is none.
    """
    number = "".join(receipt_number.upper().split())
    if not _RECEIPT.fullmatch(number):
        raise Refused(BAD_RECEIPT, "receipt_number")
    with tenant_session(actor.organisation_id, write=True) as session:
        notice = steps.notice_to_change(session, actor, notice_id, as_of)
        answer = _letter(session, notice)
        if answer.state == AnswerState.REGISTERED:
            raise Refused(ALREADY)
        if posted_on > max(local_day(as_of, actor.zone), paris_day(as_of)):
            raise Refused("Cette date est dans le futur.", "posted_on")
        if posted_on < min(local_day(answer.confirmed_at, actor.zone), paris_day(answer.confirmed_at)):
            raise Refused("La lettre ne peut pas avoir été postée avant d’être confirmée.", "posted_on")
        with counting.follow(session, [notice]):
            answer.state = move(AnswerState(answer.state), AnswerMove.POST)
            answer.receipt_number, answer.receipt_at = number, start_of_day(posted_on, PARIS)
            answer.settled_at = as_of
        events.add(session, notice.id, events.POSTED, as_of, actor.user_id)
        about = {"subject": ("reponse", answer.id), "actor_id": actor.user_id}
        audit.record(session, "reponse.postee", as_of=as_of, **about)


def _letter(session: TenantSession, notice: Notice) -> Answer:
    """The letter that stands for a notice's answer, locked. Raises NotVisible."""
    query = select(Answer).where(
        Answer.organisation_id == notice.organisation_id,
        Answer.notice_id == notice.id,
        Answer.channel == Channel.LETTER,
        Answer.state.in_((AnswerState.TO_POST, AnswerState.REGISTERED)),
    )
    answer = session.scalar(query.with_for_update())
    if answer is None:
        raise NotVisible(steps.GONE)
    return answer
