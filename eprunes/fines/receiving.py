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
from eprunes.fines import counting, events
from eprunes.fines.answering import NoticeState
from eprunes.fines.deadlines import NoticeSource, platform_deadline
from eprunes.fines.models import DestroyedNotice, Notice
from eprunes.fines.notice_deadlines import deadline_of
from eprunes.fines.notice_details import KEY_PURPOSE, ReceivedNotice, open_notice, seal_notice, to_json
from eprunes.fines.notice_numbers import number_print
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
        by_number[number_print(index_key, one.notice.details.number)].append(one)
    counts: Counter = Counter()
    with tenant_session(organisation_id) as session:
        known, destroyed = _known_prints(session, organisation_id, list(by_number))
    fresh = {mark: ones[0] for mark, ones in by_number.items() if mark not in known and mark not in destroyed}
    keys = store.create_keys(organisation_id, KEY_PURPOSE, as_of, len(fresh)) if fresh else []
    with tenant_session(organisation_id, write=True) as session:
        vehicles = _vehicles(session, organisation_id, [one.vehicle_id for one in incoming])
        sites = counting.counted_sites(session, vehicles, as_of)
        rows = [
            _row(organisation_id, mark, one, key, vehicles.get(one.vehicle_id), index_key, as_of)
            | {"counted_site": sites.get(one.vehicle_id, "")}
            for (mark, one), key in zip(fresh.items(), keys, strict=True)
        ]
        stored_ids = insert_absent(session, Notice, rows)
        stored = {row["number_fingerprint"] for row in rows if row["id"] in stored_ids}
        counting.note_received(session, [counting.cell_of(**row) for row in rows if row["id"] in stored_ids])
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
        **clear_columns(one.notice, vehicle.id if vehicle else None, index_key),
    }


def clear_columns(notice: ReceivedNotice, vehicle_id: UUID | None, index_key: bytes) -> dict:
    """What a notice has outside its sealed box, of all that it says."""
    offence, details = notice.offence, notice.details
    return {
        "plate_fingerprint": fingerprint(index_key, f"{details.country}:{details.plate}"),
        "content_fingerprint": _content_print(index_key, details.raw),
        "vehicle_id": vehicle_id,
        "natinf": notice.natinf,
        "offence_at": offence.instant,
        "second_offence_at": offence.second_instant,
        "offence_zone": offence.zone_key,
        "offence_day": offence.local_day,
        "notice_date": notice.notice_date,
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
    if notice is None or notice.content_fingerprint == _content_print(index_key, one.notice.details.raw):
        return 0
    was_typed_in = notice.source == NoticeSource.TYPED_IN
    data_key = key_store().keys(organisation_id, [notice.key_id])[notice.key_id]
    before = open_notice(data_key, notice)
    after = one.notice.details
    if not notice.is_answered:
        vehicle = _vehicles(session, organisation_id, [one.vehicle_id]).get(one.vehicle_id)
        vehicle_id = vehicle.id if vehicle else notice.vehicle_id if was_typed_in else None
        with counting.follow(session, [notice]):
            for name, value in _for_row(notice, clear_columns(one.notice, vehicle_id, index_key)).items():
                setattr(notice, name, value)
        after = replace(after, earlier=[*before.earlier, {"saisie": to_json(before)} if was_typed_in else before.raw])
    else:
        notice.content_fingerprint = _content_print(index_key, after.raw)
        after = replace(before, earlier=[*before.earlier, after.raw])
    notice.box = seal_notice(data_key, organisation_id, notice.id, after)
    notice.content_changed = notice.is_answered or not was_typed_in
    notice.deadline_on = deadline_of(notice).day
    events.add(session, notice.id, events.MERGED if was_typed_in else events.CHANGED, as_of)
    return 1


def _for_row(notice: Notice, columns: dict) -> dict:
    """What the agency's record changes of an unanswered notice: one that was typed in is the agency's from now on, and
    of the two dates keeps the earlier, so that its deadline never moves away."""
    if notice.source == NoticeSource.TYPED_IN:
        dates = (columns["notice_date"], notice.notice_date)
        return columns | {"source": NoticeSource.AGENCY_FLOW, "notice_date": min(one for one in dates if one)}
    return columns


def _content_print(index_key: bytes, raw: dict) -> bytes:
    canonical = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    return fingerprint(index_key, "contenu:" + hashlib.sha256(canonical).hexdigest())
