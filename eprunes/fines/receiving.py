"""Notices coming in: each is stored once, flagged where something is odd, and never comes back once destroyed."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import select

from eprunes.core import audit
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import fingerprint, key_store
from eprunes.core.database import TenantSession, insert_absent, new_id, tenant_session
from eprunes.fines import events
from eprunes.fines.answering import NoticeState
from eprunes.fines.deadlines import NoticeSource, platform_deadline
from eprunes.fines.models import DestroyedNotice, Notice
from eprunes.fines.notice_details import KEY_PURPOSE, ReceivedNotice, open_notice, seal_notice
from eprunes.fleet.models import Vehicle


@dataclass(frozen=True)
class Incoming:
    """A received notice and the vehicle that its plate designates in this client's fleet, if any."""

    notice: ReceivedNotice
    vehicle_id: UUID | None


def receive(organisation_id: UUID, incoming: Sequence[Incoming], as_of: datetime) -> Counter:
    """Store a batch of notices of one client; returns counts `new`, `known`, `changed`, `destroyed`.

    Harmless when repeated: a known number with the same content changes nothing, with another content it is
    kept, flagged, and the earlier content stays in the box. A number that was destroyed is not stored again.
    Each record is counted once among `new`, `known` and `destroyed`.
    """
    store = key_store()
    index_key = store.index_key(organisation_id)
    by_number: dict[bytes, list[Incoming]] = defaultdict(list)
    for one in incoming:
        by_number[_number_print(index_key, one)].append(one)
    counts: Counter = Counter()
    with tenant_session(organisation_id) as session:
        known, destroyed = _known_prints(session, organisation_id, list(by_number))
    fresh = {mark: ones[0] for mark, ones in by_number.items() if mark not in known and mark not in destroyed}
    keys = store.create_keys(organisation_id, KEY_PURPOSE, as_of, len(fresh)) if fresh else []
    with tenant_session(organisation_id, write=True) as session:
        vehicles = _vehicles(session, organisation_id, [one.vehicle_id for one in incoming])
        rows = [
            _row(organisation_id, mark, one, key, vehicles.get(one.vehicle_id), index_key, as_of)
            for (mark, one), key in zip(fresh.items(), keys, strict=True)
        ]
        stored_ids = insert_absent(session, Notice, rows)
        stored = {row["number_fingerprint"] for row in rows if row["id"] in stored_ids}
        for notice_id in stored_ids:
            events.add(session, notice_id, events.RECEIVED, as_of)
        if stored:
            audit.record(session, "avis.recus", as_of=as_of, details={"nombre": len(stored)})
        for mark, ones in by_number.items():
            for one in ones[1:] if mark in stored else ones:
                counts["changed"] += _note_change(session, organisation_id, mark, one, index_key, as_of)
    store.destroy_keys(organisation_id, [row["key_id"] for row in rows if row["id"] not in stored_ids])
    counts["new"] = len(stored)
    counts["destroyed"] = sum(len(by_number[mark]) for mark in destroyed)
    counts["known"] = len(incoming) - counts["new"] - counts["destroyed"]
    return counts


def _known_prints(session: TenantSession, organisation_id: UUID, marks: list[bytes]) -> tuple[set, set]:
    kept = select(Notice.number_fingerprint).where(
        Notice.organisation_id == organisation_id, Notice.number_fingerprint.in_(marks)
    )
    gone = select(DestroyedNotice.number_fingerprint).where(
        DestroyedNotice.organisation_id == organisation_id, DestroyedNotice.number_fingerprint.in_(marks)
    )
    return set(session.scalars(kept)), set(session.scalars(gone))


def _vehicles(session: TenantSession, organisation_id: UUID, ids: list[UUID | None]) -> dict[UUID, Vehicle]:
    query = select(Vehicle).where(
        Vehicle.organisation_id == organisation_id, Vehicle.id.in_([one for one in ids if one])
    )
    return {vehicle.id: vehicle for vehicle in session.scalars(query)}


def _row(
    organisation_id: UUID,
    mark: bytes,
    one: Incoming,
    key: tuple[UUID, bytes],
    vehicle: Vehicle | None,
    index_key: bytes,
    as_of: datetime,
) -> dict:
    notice_id, (key_id, data_key) = new_id(), key
    return {
        "organisation_id": organisation_id,
        "id": notice_id,
        "source": NoticeSource.AGENCY_FLOW,
        "number_fingerprint": mark,
        "posted_at": as_of,
        "posted_on": paris_day(as_of),
        "deadline_on": platform_deadline(as_of),
        "state": NoticeState.TO_ANSWER,
        "is_answered": False,
        "content_changed": False,
        "key_id": key_id,
        "box": seal_notice(data_key, organisation_id, notice_id, one.notice.details),
        **_clear_columns(one, vehicle, index_key),
    }


def _clear_columns(one: Incoming, vehicle: Vehicle | None, index_key: bytes) -> dict:
    offence, details = one.notice.offence, one.notice.details
    return {
        "plate_fingerprint": fingerprint(index_key, f"{details.country}:{details.plate}"),
        "content_fingerprint": _content_print(index_key, one),
        "vehicle_id": vehicle.id if vehicle else None,
        "natinf": one.notice.natinf,
        "offence_at": offence.instant,
        "second_offence_at": offence.second_instant,
        "offence_zone": offence.zone_key,
        "offence_day": offence.local_day,
        "notice_date": one.notice.notice_date,
    }


def _note_change(
    session: TenantSession,
    organisation_id: UUID,
    mark: bytes,
    one: Incoming,
    index_key: bytes,
    as_of: datetime,
) -> int:
    """Keep a changed content; an answered notice keeps what was answered, and is flagged all the same."""
    query = select(Notice).where(Notice.organisation_id == organisation_id, Notice.number_fingerprint == mark)
    notice = session.scalar(query.with_for_update())
    if notice is None or notice.content_fingerprint == _content_print(index_key, one):
        return 0
    data_key = key_store().keys(organisation_id, [notice.key_id])[notice.key_id]
    before = open_notice(data_key, notice)
    after = one.notice.details
    if not notice.is_answered:
        vehicle = _vehicles(session, organisation_id, [one.vehicle_id]).get(one.vehicle_id)
        for name, value in _clear_columns(one, vehicle, index_key).items():
            setattr(notice, name, value)
        after = replace(after, earlier=[*before.earlier, before.raw])
    else:
        notice.content_fingerprint = _content_print(index_key, one)
        after = replace(before, earlier=[*before.earlier, after.raw])
    notice.box = seal_notice(data_key, organisation_id, notice.id, after)
    notice.content_changed = True
    events.add(session, notice.id, events.CHANGED, as_of)
    return 1


def _number_print(index_key: bytes, one: Incoming) -> bytes:
    return fingerprint(index_key, f"avis:{one.notice.details.number}")


def _content_print(index_key: bytes, one: Incoming) -> bytes:
    canonical = orjson.dumps(one.notice.details.raw, option=orjson.OPT_SORT_KEYS)
    return fingerprint(index_key, "contenu:" + hashlib.sha256(canonical).hexdigest())
