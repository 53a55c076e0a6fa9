"""Steps that the operations on notices share. None of them commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor
from eprunes.core import audit
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events
from eprunes.fines.answering import AnswerState, NoticeMove, NoticeState, move_notice
from eprunes.fines.models import Answer, Notice
from eprunes.fines.notice_details import ANSWER_TABLE
from eprunes.fines.queries import visible_notices

GONE = "Cet avis n’existe pas, ou n’est plus ouvert à votre compte\u00a0: une réponse a peut-être déjà été donnée."
_ALREADY = "Une réponse a déjà été donnée à cet avis."


@contextmanager
def answering(actor: Actor) -> Iterator[TenantSession]:
    """A write session in which losing the race for the one standing answer reads as a refusal."""
    try:
        with tenant_session(actor.organisation_id, write=True) as session:
            yield session
    except IntegrityError as clash:
        if "uq_answers_standing" in str(clash.orig) or "answers.notice_id" in str(clash.orig):
            raise Refused(_ALREADY) from clash
        raise


def notice_to_change(session: TenantSession, actor: Actor, notice_id: UUID, as_of: datetime) -> Notice:
    """The notice, locked, if the actor may see it now. Raises NotVisible."""
    query = visible_notices(actor, as_of).where(Notice.id == notice_id).with_for_update()
    notice = session.scalar(query)
    if notice is None:
        raise NotVisible(GONE)
    return notice


def confirm(
    session: TenantSession,
    actor: Actor,
    notice: Notice,
    kind: str,
    reason: str | None,
    driver_id: UUID | None,
    snapshot: dict,
    as_of: datetime,
) -> None:
    """Let an answer stand: the notice is answered from this transaction's commit on."""
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
