"""Steps that the operations on notices share. None of them commits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.permissions import Actor, Permission
from eprunes.core import audit
from eprunes.core.crypto import key_store, seal
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import counting, events
from eprunes.fines.answering import AnswerState, NoticeMove, NoticeState, move_notice
from eprunes.fines.channels import check_channel
from eprunes.fines.models import Answer, Channel, Notice
from eprunes.fines.notice_details import ANSWER_TABLE
from eprunes.fines.queries import visible_notices

GONE = (
    "Cet avis n’existe pas, ou n’est plus ouvert à votre compte\u00a0: une réponse a peut-être déjà été donnée, ou son "
    "délai de 45 jours est passé."
)
ANSWERED = "Une réponse vient d’être donnée à cet avis\u00a0: il n’est plus ouvert à votre compte."
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
        raise NotVisible(why_gone(session, actor, notice_id))
    return notice


def why_gone(session: TenantSession, actor: Actor, notice_id: UUID) -> str:
    """What somebody who acts on a notice that they may not see (any more) is told: an answer of their own client, or
    nothing that says whether it exists."""
    own = Notice.organisation_id == actor.organisation_id, Notice.id == notice_id
    query = select(Notice.id).where(*own, Notice.is_answered.is_(True))
    is_answered = actor.may(Permission.ANSWER_NOTICES) and session.scalar(query) is not None
    return ANSWERED if is_answered else GONE


@dataclass(frozen=True)
class Given:
    """What an answer is: `snapshot` is what it declares, sealed with it; `replaces`, the answer that it corrects."""

    kind: str
    snapshot: dict
    reason: str | None = None
    driver_id: UUID | None = None
    channel: Channel = Channel.AGENCY
    replaces: UUID | None = None


Answers = Sequence[tuple[Notice, Given]]


def confirm(session: TenantSession, actor: Actor, notice: Notice, given: Given, as_of: datetime) -> Answer:
    """Let an answer stand: the notice is answered from this transaction's commit on.

    One for the agency is ready for the connector; a letter waits for a person to post it.
    """
    [answer] = confirm_all(session, actor, [(notice, given)], as_of)
    return answer


def confirm_all(session: TenantSession, actor: Actor, given: Answers, as_of: datetime) -> list[Answer]:
    """As `confirm`, for many notices in a few statements, whatever their number."""
    with counting.follow(session, [notice for notice, _ in given]):
        for notice, _ in given:
            notice.state = move_notice(NoticeState(notice.state), NoticeMove.ANSWER)
            notice.is_answered = True
            notice.filing_reason = None
        return _add_answers(session, actor, given, events.ANSWERED, as_of)


def add_answer(
    session: TenantSession, actor: Actor, notice: Notice, given: Given, event: str, as_of: datetime
) -> Answer:
    """Keep an answer, sealed, with its fact in the thread and its entry in the journal; no state changes.

    Raises Refused when an answer to this notice may not travel so.
    """
    [answer] = _add_answers(session, actor, [(notice, given)], event, as_of)
    return answer


def _add_answers(session: TenantSession, actor: Actor, given: Answers, event: str, as_of: datetime) -> list[Answer]:
    for notice, one in given:
        check_channel(notice, one.channel)
    keys = key_store().keys(session.organisation_id, [notice.key_id for notice, _ in given])
    answers = [_answer(actor, notice, one, keys[notice.key_id], as_of) for notice, one in given]
    for answer in answers:
        session.add(answer)
    session.flush()
    for notice, _ in given:
        events.add(session, notice.id, event, as_of, actor.user_id)
    audit.record_all(session, [_act(*one) for one in given], as_of=as_of, actor_id=actor.user_id)
    return answers


def _act(notice: Notice, given: Given) -> tuple[str, tuple[str, UUID], dict]:
    """What the journal says of an answer."""
    action = "avis.correction" if given.replaces else f"avis.{given.kind}"
    return action, ("avis", notice.id), {"motif": given.reason} if given.reason else {}


def _answer(actor: Actor, notice: Notice, given: Given, key: bytes, as_of: datetime) -> Answer:
    answer_id = new_id()
    return Answer(
        organisation_id=notice.organisation_id,
        id=answer_id,
        notice_id=notice.id,
        kind=given.kind,
        reason=given.reason,
        driver_id=given.driver_id,
        channel=given.channel,
        replaces=given.replaces,
        state=AnswerState.TO_POST if given.channel == Channel.LETTER else AnswerState.CONFIRMED,
        author_id=actor.user_id,
        confirmed_at=as_of,
        agency_reference=answer_id.hex,
        next_attempt_at=as_of,
        key_id=notice.key_id,
        box=seal(key, notice.organisation_id, ANSWER_TABLE, answer_id, given.snapshot),
    )
