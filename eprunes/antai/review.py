"""Records to examine: malformed ones, and plates that nobody declared. Sealed, aged, replayable, never lost."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from eprunes.antai.models import RecordToReview
from eprunes.core import crypto
from eprunes.core.crypto import PLATFORM, fingerprint, key_store, open_box, seal
from eprunes.core.database import insert_absent, new_id, platform_session
from eprunes.core.refusals import NotVisible

KEY_PURPOSE = "examen"
_TABLE = RecordToReview.__tablename__
DISMISSED, STORED = "ecarte", "traite"
NEW, ALREADY_THERE = "to_review", "in_review"


def keep(raw: Any, reason: str, as_of: datetime) -> str:
    """Keep a record to examine: NEW, or ALREADY_THERE (waiting or settled) and then only seen again."""
    store = key_store()
    key_id, key = store.create_keys(PLATFORM, KEY_PURPOSE, as_of)[0]
    # As text, and by the standard library: the only one that takes back whatever it has read itself.
    content = json.dumps(raw, sort_keys=True)
    mark = fingerprint(store.index_key(PLATFORM), content)
    record_id = new_id()
    row = {
        "id": record_id,
        "fingerprint": mark,
        "received_at": as_of,
        "last_seen_at": as_of,
        "reason": reason[:300].encode(errors="replace").decode().replace("\0", "?"),
        "key_id": key_id,
        "box": seal(key, PLATFORM, _TABLE, record_id, {"brut": content}),
    }
    with platform_session("enregistrement à examiner", write=True) as session:
        if insert_absent(session, RecordToReview, [row]):
            return NEW
        known = session.scalars(select(RecordToReview).where(RecordToReview.fingerprint == mark)).one()
        known.last_seen_at = as_of
    store.destroy_keys(PLATFORM, [key_id])
    return ALREADY_THERE


def waiting() -> Select[tuple[RecordToReview]]:
    """Records still to be dealt with, oldest first."""
    return (
        select(RecordToReview)
        .where(RecordToReview.settled_at.is_(None))
        .order_by(RecordToReview.received_at, RecordToReview.id)
    )


def list_waiting(limit: int = 200) -> list[tuple[RecordToReview, Any]]:
    """Records to examine with their raw content opened, oldest first."""
    with platform_session("liste à examiner") as session:
        records = list(session.scalars(waiting().limit(limit)))
    keys = key_store().keys(PLATFORM, [one.key_id for one in records])
    return [(one, _raw(one, keys[one.key_id])) for one in records]


def count_waiting() -> int:
    """How many records wait to be examined."""
    with platform_session("liste à examiner") as session:
        return session.scalar(select(func.count()).select_from(waiting().subquery())) or 0


def opened(record_id: UUID) -> tuple[RecordToReview, Any]:
    """A waiting record and its raw content. Raises NotVisible when it does not wait any more."""
    with platform_session("enregistrement à examiner") as session:
        record = session.scalar(waiting().where(RecordToReview.id == record_id))
    if record is None:
        raise NotVisible
    return record, _raw(record, key_store().keys(PLATFORM, [record.key_id])[record.key_id])


def settle(record_id: UUID, outcome: str, as_of: datetime) -> None:
    """Take a record off the list; its content's key is destroyed."""
    with platform_session("enregistrement examiné", write=True) as session:
        record = session.scalars(select(RecordToReview).where(RecordToReview.id == record_id)).one()
        record.settled_at, record.outcome = as_of, outcome
    key_store().destroy_keys(PLATFORM, [record.key_id])


def destroy_orphan_keys(as_of: datetime) -> int:
    """Destroy the keys that a crash left: of settled records, and of records never stored. Returns how many."""
    return crypto.destroy_orphan_keys(PLATFORM, KEY_PURPOSE, as_of, _keys_in_use)


def _keys_in_use() -> Sequence[UUID]:
    with platform_session("clés des enregistrements examinés") as session:
        return session.scalars(select(RecordToReview.key_id).where(RecordToReview.settled_at.is_(None))).all()


def _raw(record: RecordToReview, key: bytes) -> Any:
    return json.loads(open_box(key, PLATFORM, _TABLE, record.id, record.box)["brut"])
