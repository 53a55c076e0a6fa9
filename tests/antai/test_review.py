"""The operator's list of records to examine: aged, replayed once their client is known, put aside, never lost."""

from datetime import timedelta

import pytest

from eprunes.antai import fetching, review, services
from eprunes.antai.models import RecordToReview
from eprunes.core.crypto import PLATFORM, BoxUnreadable, key_store, open_box
from eprunes.core.database import platform_session
from eprunes.core.refusals import NotVisible
from eprunes.privacy import jobs as privacy
from tests.support import fleet, tables, worlds
from tests.support.worlds import AS_OF

DAY = timedelta(days=1)
PLACE = "Chemin des Mirabelles PR 7+777"


def take_in(*records: object, as_of=AS_OF) -> dict:
    return fetching.take_in(list(records), fetching.clients_with_convention(as_of), as_of)


def declare(world, plate: str) -> None:
    fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)


def every_record() -> list[RecordToReview]:
    with platform_session("tests") as session:
        return list(session.query(RecordToReview))


def test_a_record_seen_again_keeps_its_age_and_its_one_line(world):
    record = fleet.offence_record("AB123CD")

    first, second = take_in(record), take_in(dict(reversed(record.items())), as_of=AS_OF + DAY)

    [(line, raw)] = review.list_waiting()
    assert (first["to_review"], second["to_review"], second["in_review"]) == (1, 0, 1)
    assert (line.received_at, line.last_seen_at, raw) == (AS_OF, AS_OF + DAY, record)
    assert line.reason == fetching.NOBODY


def test_records_wait_the_oldest_first(world):
    newer, older = fleet.offence_record("AB123CD"), {"numeroAco": "tronqué"}
    take_in(newer, as_of=AS_OF + DAY)
    take_in(older, as_of=AS_OF)

    assert [raw for _, raw in review.list_waiting()] == [older, newer]
    assert review.count_waiting() == 2


def test_a_record_is_replayed_once_its_plate_is_declared(world):
    take_in(fleet.offence_record("AB123CD"))
    [(line, _)] = review.list_waiting()

    too_early = services.replay(line.id, AS_OF)
    declare(world, "AB123CD")
    in_time = services.replay(line.id, AS_OF + DAY)

    assert (too_early, in_time) == (False, True)
    assert review.count_waiting() == 0
    assert [one.posted_at for one in fleet.notices(world.organisation_id)] == [AS_OF + DAY]
    assert [one.outcome for one in every_record()] == [review.STORED]


def test_a_record_that_came_in_by_itself_meanwhile_leaves_the_list_when_replayed(world):
    record = fleet.offence_record("AB123CD")
    take_in(record)
    declare(world, "AB123CD")
    take_in(record)
    [(line, _)] = review.list_waiting()

    assert services.replay(line.id, AS_OF)
    assert len(fleet.notices(world.organisation_id)) == 1


def test_a_record_whose_notice_was_destroyed_leaves_the_list_and_does_not_come_back(app):
    world = worlds.make_world(0, as_of=AS_OF - 90 * DAY)
    record = fleet.offence_record("AB123CD", dateHeureInfraction="2024-02-29T10:00:00")
    take_in(record)
    declare(world, "AB123CD")
    take_in(record, as_of=AS_OF - 60 * DAY)
    privacy.retention_sweep(AS_OF)
    [(line, _)] = review.list_waiting()

    assert services.replay(line.id, AS_OF)
    assert review.count_waiting() == 0
    assert fleet.notices(world.organisation_id) == []


def test_a_malformed_record_stays_however_often_it_is_replayed(world):
    take_in({"numeroAco": "tronqué"})
    [(line, _)] = review.list_waiting()

    assert not services.replay(line.id, AS_OF)
    assert not services.replay(line.id, AS_OF)
    assert review.count_waiting() == 1


def test_a_record_put_aside_leaves_the_list_for_good(world):
    record = {"numeroAco": "tronqué", "lieu": PLACE}
    take_in(record)
    [(line, _)] = review.list_waiting()

    services.dismiss(line.id, AS_OF)
    again = take_in(record, as_of=AS_OF + DAY)

    assert (again["to_review"], again["in_review"], review.count_waiting()) == (0, 1, 0)
    with pytest.raises(NotVisible):
        services.replay(line.id, AS_OF)
    with pytest.raises(NotVisible):
        services.dismiss(line.id, AS_OF)


def test_a_waiting_record_is_nowhere_in_the_clear_and_unreadable_once_settled(world):
    record = fleet.offence_record("AB123CD", lieu=PLACE)
    take_in(record)
    [(line, _)] = review.list_waiting()
    key = key_store().keys(PLATFORM, [line.key_id])[line.key_id]

    secrets = [PLACE.encode(), record["numeroAco"].encode()]
    found = [where for where, value in tables.values(world.organisation_id) if any(one in value for one in secrets)]
    services.dismiss(line.id, AS_OF)

    assert open_box(key, PLATFORM, "records_to_review", line.id, line.box)
    assert found == []
    assert key_store().keys(PLATFORM, [line.key_id]) == {}
    with pytest.raises(BoxUnreadable):
        open_box(bytes(32), PLATFORM, "records_to_review", line.id, line.box)


def test_a_key_left_by_a_crash_between_the_row_and_its_key_is_destroyed_by_the_next_sweep(world):
    take_in(fleet.offence_record("AB123CD"), fleet.offence_record("AB124CD"))
    [(settled, _), (waiting, _)] = review.list_waiting()
    with platform_session("tests", write=True) as session:
        row = session.get(RecordToReview, settled.id)
        row.settled_at, row.outcome = AS_OF, review.DISMISSED

    privacy.retention_sweep(AS_OF + DAY)
    kept_for_a_day = set(key_store().keys(PLATFORM, [settled.key_id, waiting.key_id]))
    privacy.retention_sweep(AS_OF + DAY + timedelta(seconds=1))
    kept = set(key_store().keys(PLATFORM, [settled.key_id, waiting.key_id]))

    assert kept_for_a_day == {settled.key_id, waiting.key_id}
    assert kept == {waiting.key_id}
