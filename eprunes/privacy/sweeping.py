"""The retention sweep: what nobody may see any more is destroyed, rows first, keys after (C4.3-f, decision 5)."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import and_, delete, or_, select

from eprunes.accounts.retention import DEFAULT, archive_cutoff, shared_cutoff
from eprunes.antai.models import Transmission
from eprunes.core import audit, files, work
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import destroy_orphan_keys, key_store
from eprunes.core.database import TenantScoped, TenantSession, insert_absent, new_id, tenant_session
from eprunes.fines import counting, events, notice_details
from eprunes.fines.answering import IN_FLIGHT, NoticeMove, NoticeState, move_notice
from eprunes.fines.models import Answer, DestroyedNotice, DriverRequest, Notice, NoticeEvent, NoticeFile, NoticeNote
from eprunes.fleet import driver_details
from eprunes.fleet.models import Driver

log = logging.getLogger(__name__)

BATCH = 200
_KEYED_TABLES = (
    (notice_details.KEY_PURPOSE, Notice),
    (driver_details.KEY_PURPOSE, Driver),
    (work.KEY_PURPOSE, work.WorkTask),
    (files.KEY_PURPOSE, files.StoredFile),
)


def sweep(organisation_id: UUID, as_of: datetime) -> Counter:
    """Expire, destroy and clean up for one client; computed from the data, so harmless when repeated.

    `blocked` counts notices whose time has come but whose answer is still on its way: an alarm, never destroyed.
    """
    counts: Counter = Counter(expired=_expire(organisation_id, as_of))
    while destroyed := _destroy_batch(organisation_id, as_of):
        counts["destroyed"] += destroyed
    counts["orphan_keys"] = _destroy_orphan_keys(organisation_id, as_of)
    if blocked := _count_blocked(organisation_id, as_of):
        log.error("organisation %s: %s notices past their time with an answer on its way", organisation_id, blocked)
    counts["blocked"] = blocked
    return counts


def _due(organisation_id: UUID, as_of: datetime):
    """Notices whose time has come: after the archive's end, and after the shared window without an answer."""
    return (
        Notice.organisation_id == organisation_id,
        Notice.offence_day < archive_cutoff(as_of, DEFAULT),
        or_(Notice.is_answered.is_(True), Notice.posted_on < shared_cutoff(as_of, DEFAULT)),
    )


def _in_flight(organisation_id: UUID):
    return (
        select(Answer.id)
        .where(
            Answer.organisation_id == organisation_id,
            Answer.notice_id == Notice.id,
            Answer.state.in_(IN_FLIGHT),
        )
        .exists()
    )


def _expire(organisation_id: UUID, as_of: datetime) -> int:
    """Say once of each notice that its window closed unanswered; one that the agency refused stays refused."""
    with tenant_session(organisation_id, write=True) as session:
        query = select(Notice).where(
            Notice.organisation_id == organisation_id,
            Notice.is_answered.is_(False),
            Notice.state.in_((NoticeState.TO_ANSWER, NoticeState.REFUSED)),
            Notice.posted_on < shared_cutoff(as_of, DEFAULT),
        )
        closed = session.scalars(query.with_for_update()).all()
        told = counting.closed_unanswered(session, closed)
        to_tell = [notice for notice in closed if notice.id not in told]
        expired = [notice for notice in to_tell if notice.state == NoticeState.TO_ANSWER]
        with counting.follow(session, to_tell):
            for notice in expired:
                notice.state = move_notice(NoticeState(notice.state), NoticeMove.EXPIRE)
            for notice in to_tell:
                events.add(session, notice.id, events.EXPIRED, as_of)
        return len(expired)


def _destroy_batch(organisation_id: UUID, as_of: datetime) -> int:
    with tenant_session(organisation_id, write=True) as session:
        query = (
            select(Notice.id, Notice.key_id, Notice.number_fingerprint)
            .where(*_due(organisation_id, as_of), ~_in_flight(organisation_id))
            .order_by(Notice.id)
            .limit(BATCH)
            .with_for_update()
        )
        doomed = session.execute(query).all()
        if not doomed:
            return 0
        file_keys = _delete_rows(session, organisation_id, [row.id for row in doomed])
        _remember_destroyed(session, organisation_id, [row.number_fingerprint for row in doomed], as_of)
        audit.record(session, "avis.detruits", as_of=as_of, details={"nombre": len(doomed)})
    key_store().destroy_keys(organisation_id, [*(row.key_id for row in doomed), *file_keys])
    return len(doomed)


def _delete_rows(session: TenantSession, organisation_id: UUID, notice_ids: list[UUID]) -> list[UUID]:
    """Everything that hangs on these notices, and they themselves; returns the keys of their files."""
    answers = select(Answer.id).where(Answer.organisation_id == organisation_id, Answer.notice_id.in_(notice_ids))
    session.execute(
        delete(Transmission).where(Transmission.organisation_id == organisation_id, Transmission.answer_id.in_(answers))
    )
    with_files = NoticeFile.organisation_id == organisation_id, NoticeFile.notice_id.in_(notice_ids)
    file_ids = session.scalars(select(NoticeFile.file_id).where(*with_files)).all()
    for model in (Answer, NoticeEvent, NoticeNote, NoticeFile, DriverRequest):
        session.execute(delete(model).where(model.organisation_id == organisation_id, model.notice_id.in_(notice_ids)))
    session.execute(delete(Notice).where(Notice.organisation_id == organisation_id, Notice.id.in_(notice_ids)))
    return [files.remove(session, one) for one in file_ids]


def _remember_destroyed(session: TenantSession, organisation_id: UUID, marks: list[bytes], as_of: datetime) -> None:
    rows = [
        {
            "organisation_id": organisation_id,
            "id": new_id(),
            "number_fingerprint": mark,
            "destroyed_on": paris_day(as_of),
        }
        for mark in marks
    ]
    insert_absent(session, DestroyedNotice, rows)


def _destroy_orphan_keys(organisation_id: UUID, as_of: datetime) -> int:
    return sum(
        destroy_orphan_keys(organisation_id, purpose, as_of, partial(_keys_in_use, organisation_id, model))
        for purpose, model in _KEYED_TABLES
    )


def _keys_in_use(organisation_id: UUID, model: type[TenantScoped]) -> Sequence[UUID]:
    with tenant_session(organisation_id) as session:
        return session.scalars(select(model.key_id).where(model.organisation_id == organisation_id)).all()


def _count_blocked(organisation_id: UUID, as_of: datetime) -> int:
    with tenant_session(organisation_id) as session:
        query = select(Notice.id).where(and_(*_due(organisation_id, as_of)), _in_flight(organisation_id))
        return len(session.scalars(query).all())
