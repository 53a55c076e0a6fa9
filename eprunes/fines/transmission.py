"""The answers' way out: what the connector may send, and what it reports back. Answers are their own outbox.

An answer is claimed (and committed so) before any call. A claim whose lease ran out means that the outcome is
unknown: the agency is asked before anything is sent again. A sender whose lease ran out may still report: what
another has settled meanwhile stays as it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy import or_, select

from eprunes.core import audit
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, tenant_session
from eprunes.fines import counting, events
from eprunes.fines.answering import AnswerMove, AnswerState, NoticeMove, NoticeState, move, move_notice
from eprunes.fines.models import Answer, Notice
from eprunes.fines.notice_details import NoticeDetails, open_notice, open_snapshot, seal_refusal

LEASE = timedelta(minutes=2)
DEMO_LEASE = timedelta(seconds=20)
FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=30)


@dataclass(frozen=True)
class OutgoingAnswer:
    """An answer on its way, opened: everything the agency needs, and the key that seals what is kept of it.

    One that corrects another names it as the agency knows it, by the identifier we gave and the receipt it gave.
    """

    organisation_id: UUID
    answer_id: UUID
    notice_number: str
    agency_reference: str
    kind: str
    snapshot: dict
    notice: NoticeDetails
    key_id: UUID
    key: bytes
    replaced_reference: str = ""
    replaced_receipt: str = ""


def claim_next(organisation_id: UUID, as_of: datetime) -> OutgoingAnswer | None:
    """Take the oldest confirmed answer that is due; committed as being sent before this returns."""
    due = (Answer.state == AnswerState.CONFIRMED, Answer.next_attempt_at <= as_of)
    return _take(organisation_id, due, AnswerMove.CLAIM, as_of)


def take_unknown(organisation_id: UUID, as_of: datetime) -> OutgoingAnswer | None:
    """Take the oldest answer of unknown outcome whose turn it is to be looked up at the agency."""
    due = (
        Answer.state == AnswerState.UNKNOWN,
        Answer.next_attempt_at <= as_of,
        or_(Answer.leased_until.is_(None), Answer.leased_until <= as_of),
    )
    return _take(organisation_id, due, None, as_of)


def lose_abandoned(organisation_id: UUID, as_of: datetime) -> int:
    """Answers whose sender died in the middle: their outcome is unknown. Returns how many."""
    with tenant_session(organisation_id, write=True) as session:
        query = select(Answer).where(
            Answer.organisation_id == organisation_id,
            Answer.state == AnswerState.SENDING,
            Answer.leased_until <= as_of,
        )
        abandoned = session.scalars(query.with_for_update(skip_locked=True)).all()
        for answer in abandoned:
            _lose(session, answer, as_of)
        return len(abandoned)


def has_work(organisation_id: UUID, as_of: datetime) -> bool:
    """Whether any answer of this client is due to be sent or looked up."""
    with tenant_session(organisation_id) as session:
        query = select(Answer.id).where(
            Answer.organisation_id == organisation_id,
            Answer.state.in_((AnswerState.CONFIRMED, AnswerState.SENDING, AnswerState.UNKNOWN)),
            or_(Answer.next_attempt_at <= as_of, Answer.leased_until <= as_of),
        )
        return session.scalar(query.limit(1)) is not None


def registered(
    organisation_id: UUID, answer_id: UUID, *, receipt_number: str, receipt_at: datetime, as_of: datetime
) -> None:
    """The agency registered the answer: its receipt is stored."""
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.SENDING, AnswerState.UNKNOWN)
        if answer is None:
            return
        sending = answer.state == AnswerState.SENDING
        happened = AnswerMove.REGISTER if sending else AnswerMove.SETTLE_REGISTERED
        answer.state = move(AnswerState(answer.state), happened)
        answer.receipt_number, answer.receipt_at = receipt_number, receipt_at
        event = events.CORRECTION_REGISTERED if answer.replaces else events.REGISTERED
        _settle(session, answer, event, as_of, sent=sending)


def refused(organisation_id: UUID, answer_id: UUID, *, reason: str, as_of: datetime) -> None:
    """The agency refused the answer: the notice is open again, with its reason (decision 2).

    A correction that was refused leaves the notice answered: the registered answer stands again.
    """
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.SENDING, AnswerState.UNKNOWN)
        if answer is None:
            return
        sending = answer.state == AnswerState.SENDING
        happened = AnswerMove.REFUSE if sending else AnswerMove.SETTLE_REFUSED
        key = key_store().keys(organisation_id, [answer.key_id])[answer.key_id]
        notice = _notice(session, answer)
        with counting.follow(session, [notice]):
            answer.state = move(AnswerState(answer.state), happened)
            answer.outcome_box = seal_refusal(key, answer, reason)
            if answer.replaces:
                _restore(session, answer)
            else:
                notice.state = move_notice(NoticeState(notice.state), NoticeMove.REFUSE)
                notice.announced_at = None  # people are told of it again
                notice.is_answered = False
            event = events.CORRECTION_REFUSED if answer.replaces else events.REFUSED
            _settle(session, answer, event, as_of, sent=sending)


def not_delivered(organisation_id: UUID, answer_id: UUID, *, as_of: datetime) -> None:
    """The agency certainly did not receive the answer: it goes out again later."""
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.SENDING)
        if answer is not None:
            answer.state = move(AnswerState(answer.state), AnswerMove.RETRY)
            _put_off(answer, as_of)


def outcome_unknown(organisation_id: UUID, answer_id: UUID, *, as_of: datetime) -> None:
    """The call broke after the answer may have been received."""
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.SENDING)
        if answer is not None:
            _lose(session, answer, as_of)


def never_received(organisation_id: UUID, answer_id: UUID, *, as_of: datetime) -> None:
    """The agency holds nothing of an answer whose outcome was unknown: it may go out again, identical."""
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.UNKNOWN)
        if answer is not None:
            answer.state = move(AnswerState(answer.state), AnswerMove.SETTLE_NOT_RECEIVED)
            answer.leased_until, answer.next_attempt_at = None, as_of


def still_unknown(organisation_id: UUID, answer_id: UUID, *, as_of: datetime) -> None:
    """The agency could not be asked: ask again later."""
    with tenant_session(organisation_id, write=True) as session:
        answer = _answer(session, organisation_id, answer_id, AnswerState.UNKNOWN)
        if answer is not None:
            _put_off(answer, as_of)


def _take(organisation_id: UUID, due: tuple, happened: AnswerMove | None, as_of: datetime) -> OutgoingAnswer | None:
    with tenant_session(organisation_id, write=True) as session:
        query = (
            select(Answer)
            .where(Answer.organisation_id == organisation_id, *due)
            .order_by(Answer.next_attempt_at, Answer.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        answer = session.scalar(query)
        if answer is None:
            return None
        if happened is not None:
            answer.state = move(AnswerState(answer.state), happened)
        answer.attempts += 1
        answer.leased_until = as_of + _lease()
        return _opened(session, answer)


def _lease() -> timedelta:
    """How long a sender may keep an answer; a demo has one sender, and shows soon what a killed one left."""
    return DEMO_LEASE if current_app.extensions["eprunes_settings"].demo else LEASE


def _opened(session: TenantSession, answer: Answer) -> OutgoingAnswer:
    key = key_store().keys(answer.organisation_id, [answer.key_id])[answer.key_id]
    notice = open_notice(key, _notice(session, answer))
    replaced = _replaced(session, answer)
    return OutgoingAnswer(
        organisation_id=answer.organisation_id,
        answer_id=answer.id,
        notice_number=notice.number,
        agency_reference=answer.agency_reference,
        kind=answer.kind,
        snapshot=open_snapshot(key, answer),
        notice=notice,
        key_id=answer.key_id,
        key=key,
        replaced_reference=replaced.agency_reference if replaced else "",
        replaced_receipt=(replaced.receipt_number or "") if replaced else "",
    )


def _replaced(session: TenantSession, answer: Answer) -> Answer | None:
    """The answer that this one corrects, if it is a correction."""
    if answer.replaces is None:
        return None
    query = select(Answer).where(Answer.organisation_id == answer.organisation_id, Answer.id == answer.replaces)
    return session.scalars(query.with_for_update()).one()


def _restore(session: TenantSession, refused_correction: Answer) -> None:
    """Flushed in between: at no moment do two answers of a notice stand."""
    session.flush()
    replaced = _replaced(session, refused_correction)
    replaced.state = move(AnswerState(replaced.state), AnswerMove.RESTORE)


def _answer(session: TenantSession, organisation_id: UUID, answer_id: UUID, *states: AnswerState) -> Answer | None:
    """The answer to report on; None when it is in none of these states any more, or purged."""
    query = select(Answer).where(
        Answer.organisation_id == organisation_id, Answer.id == answer_id, Answer.state.in_(states)
    )
    return session.scalar(query.with_for_update())


def _notice(session: TenantSession, answer: Answer) -> Notice:
    query = select(Notice).where(Notice.organisation_id == answer.organisation_id, Notice.id == answer.notice_id)
    return session.scalars(query.with_for_update()).one()


def _settle(session: TenantSession, answer: Answer, event: str, as_of: datetime, *, sent: bool) -> None:
    """End an answer's way. Only now is it sure that it was sent: an attempt that found nobody is no fact."""
    answer.settled_at, answer.leased_until = as_of, None
    if sent:
        events.add(session, answer.notice_id, events.SENT, as_of)
    events.add(session, answer.notice_id, event, as_of)
    audit.record(session, f"reponse.{event}", as_of=as_of, subject=("reponse", answer.id))


def _lose(session: TenantSession, answer: Answer, as_of: datetime) -> None:
    answer.state = move(AnswerState(answer.state), AnswerMove.LOSE)
    events.add(session, answer.notice_id, events.UNKNOWN, as_of)
    answer.leased_until, answer.next_attempt_at = None, as_of


def _put_off(answer: Answer, as_of: datetime) -> None:
    delay = min(FIRST_DELAY * 2 ** min(answer.attempts, 12), LONGEST_DELAY)
    answer.leased_until, answer.next_attempt_at = None, as_of + delay
