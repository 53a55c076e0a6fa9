"""Answers going out: one at a time, byte-identical when repeated, and asked about before being sent again."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import select

from eprunes.antai import messages
from eprunes.antai.client import (
    AgencyClient,
    AgencyUnavailable,
    AlreadyAnswered,
    AnswerRefused,
    NothingHeld,
    OutcomeUnknown,
    Registered,
)
from eprunes.antai.models import Transmission
from eprunes.core.crypto import open_box, seal
from eprunes.core.database import new_id, tenant_session
from eprunes.fines import transmission
from eprunes.fines.transmission import OutgoingAnswer

ANSWERED_ELSEWHERE = "L’ANTAI a déjà enregistré une autre réponse pour cet avis."
_TABLE = Transmission.__tablename__


def send_due(organisation_id: UUID, client: AgencyClient, as_of: datetime) -> Counter:
    """Settle what is unknown, then send what is due, for one client. Stops at the first sign of an outage."""
    counts: Counter = Counter()
    if not transmission.has_work(organisation_id, as_of):
        return counts
    instant = _running_from(as_of)
    counts["abandoned"] = transmission.lose_abandoned(organisation_id, as_of)
    while outgoing := transmission.take_unknown(organisation_id, instant()):
        if not _look_up(outgoing, client, counts, instant()):
            return counts
    while outgoing := transmission.claim_next(organisation_id, instant()):
        if not _send(outgoing, client, counts, instant()):
            return counts
    return counts


def _running_from(as_of: datetime) -> Callable[[], datetime]:
    """The instant, in whole seconds, as a long batch goes on: a lease counted from its start would end too soon."""
    started = monotonic()
    return lambda: as_of + timedelta(seconds=int(monotonic() - started))


def _send(outgoing: OutgoingAnswer, client: AgencyClient, counts: Counter, as_of: datetime) -> bool:
    body = _prepared(outgoing, as_of)
    key = {"organisation_id": outgoing.organisation_id, "answer_id": outgoing.answer_id}
    try:
        outcome = client.designate(body=body, as_of=as_of)
    except AgencyUnavailable:
        transmission.not_delivered(**key, as_of=as_of)
        counts["put_off"] += 1
        return False
    except OutcomeUnknown:
        transmission.outcome_unknown(**key, as_of=as_of)
        counts["unknown"] += 1
        return True
    _record(outgoing, outcome, counts, as_of)
    return True


def _look_up(outgoing: OutgoingAnswer, client: AgencyClient, counts: Counter, as_of: datetime) -> bool:
    key = {"organisation_id": outgoing.organisation_id, "answer_id": outgoing.answer_id}
    try:
        held = client.answer_held(
            notice_number=outgoing.notice_number,
            reference=outgoing.agency_reference,
            replaced=outgoing.replaced_reference,
            as_of=as_of,
        )
    except AgencyUnavailable:
        transmission.still_unknown(**key, as_of=as_of)
        counts["still_unknown"] += 1
        return False
    if isinstance(held, NothingHeld):
        transmission.never_received(**key, as_of=as_of)
        counts["never_received"] += 1
        return True
    _record(outgoing, held, counts, as_of)
    return True


def _record(
    outgoing: OutgoingAnswer,
    outcome: Registered | AnswerRefused | AlreadyAnswered,
    counts: Counter,
    as_of: datetime,
) -> None:
    key = {"organisation_id": outgoing.organisation_id, "answer_id": outgoing.answer_id}
    if isinstance(outcome, Registered):
        transmission.registered(
            **key, receipt_number=outcome.receipt_number, receipt_at=outcome.receipt_at, as_of=as_of
        )
        counts["registered"] += 1
        return
    reason = outcome.reason if isinstance(outcome, AnswerRefused) else ANSWERED_ELSEWHERE
    transmission.refused(**key, reason=reason, as_of=as_of)
    counts["refused"] += 1


def _prepared(outgoing: OutgoingAnswer, as_of: datetime) -> bytes:
    """The exact bytes of this answer: made once, sealed, and the same each time they go out."""
    organisation_id = outgoing.organisation_id
    with tenant_session(organisation_id, write=True) as session:
        query = select(Transmission).where(
            Transmission.organisation_id == organisation_id, Transmission.answer_id == outgoing.answer_id
        )
        kept = session.scalar(query)
        if kept is not None:
            content = open_box(outgoing.key, organisation_id, _TABLE, kept.id, kept.box)
            return content["corps"].encode()
        body = messages.answer_bytes(outgoing)
        row_id = new_id()
        session.add(
            Transmission(
                organisation_id=organisation_id,
                id=row_id,
                answer_id=outgoing.answer_id,
                prepared_at=as_of,
                key_id=outgoing.key_id,
                box=seal(outgoing.key, organisation_id, _TABLE, row_id, {"corps": body.decode()}),
            )
        )
        return body
