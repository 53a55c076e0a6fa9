"""Notices coming in: stored once, flagged where odd, never coming back once destroyed (C4.3-a)."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from eprunes.antai import messages
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.fines import events, notice_details
from eprunes.fines.models import NoticeEvent
from eprunes.fines.queries import thread_of
from eprunes.fines.receiving import Incoming, receive
from eprunes.privacy import jobs as privacy
from tests.fines.test_windows import report_sale
from tests.support import fleet, worlds
from tests.support.worlds import AS_OF


def incoming(record: dict, vehicle_id=None) -> Incoming:
    return Incoming(messages.read_offence(record), vehicle_id)


def opened(notice) -> notice_details.NoticeDetails:
    """What the notice says, unsealed."""
    return notice_details.open_notices(key_store(), [notice])[notice.id]


def kinds_of(notice) -> list[str]:
    with tenant_session(notice.organisation_id) as session:
        return [one.kind for one in session.scalars(thread_of(notice.organisation_id, notice.id))]


def test_a_new_notice_is_stored_to_answer_with_everything_it_says(world):
    """C4.3-a."""
    vehicle_id = fleet.add_vehicle(world.organisation_id, "AB123CD")
    record = fleet.offence_record("AB123CD")

    counts = receive(world.organisation_id, [incoming(record, vehicle_id)], AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    details = opened(notice)
    assert counts == Counter(new=1)
    assert (notice.state, notice.is_answered, notice.posted_at) == ("a_traiter", False, AS_OF)
    assert (notice.vehicle_id, notice.natinf, str(notice.offence_day)) == (vehicle_id, "25387", "2026-02-27")
    assert notice.offence_at == datetime(2026, 2, 27, 9, 12, tzinfo=UTC)
    assert not notice.content_changed
    assert (details.number, details.where) == (record["numeroAco"], "A6 PR 12+300, 94150 Rungis")
    assert (details.speed_limit, details.speed_retained, details.raw) == (110, 122, record)
    assert kinds_of(notice) == [events.RECEIVED]


def test_the_posting_day_is_the_day_in_paris(world):
    notice_id = fleet.receive_notice(world.organisation_id, posted_at=datetime(2026, 6, 30, 22, 30, tzinfo=UTC))

    assert str(fleet.notice(world.organisation_id, notice_id).posted_on) == "2026-07-01"


def test_the_same_notice_twice_is_stored_once(world):
    record = fleet.offence_record("AB123CD")

    first = receive(world.organisation_id, [incoming(record)], AS_OF)
    again = receive(world.organisation_id, [incoming(dict(reversed(record.items())))], AS_OF + timedelta(days=1))

    [notice] = fleet.notices(world.organisation_id)
    assert (first, again) == (Counter(new=1), Counter(known=1))
    assert notice.posted_at == AS_OF
    assert kinds_of(notice) == [events.RECEIVED]


def test_the_same_notice_twice_in_one_batch_is_stored_once_and_both_are_counted(world):
    record = fleet.offence_record("AB123CD")

    counts = receive(world.organisation_id, [incoming(record), incoming(record)], AS_OF)

    assert counts == Counter(new=1, known=1)
    assert len(fleet.notices(world.organisation_id)) == 1


def test_two_contents_of_one_number_in_one_batch_are_both_kept(world):
    before = fleet.offence_record("AB123CD", vitesseRetenue=122)
    after = {**before, "vitesseRetenue": 121}

    counts = receive(world.organisation_id, [incoming(before), incoming(after)], AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    assert (counts["new"], counts["known"], counts["changed"]) == (1, 1, 1)
    assert notice.content_changed
    assert (opened(notice).raw, opened(notice).earlier) == (after, [before])


def test_a_notice_that_comes_after_a_later_one_is_stored_all_the_same(world):
    late, early = (
        fleet.offence_record("AB123CD", dateHeureInfraction=f"2026-02-{day}T10:12:00") for day in ("20", "10")
    )

    receive(world.organisation_id, [incoming(late)], AS_OF)
    counts = receive(world.organisation_id, [incoming(early), incoming(late)], AS_OF + timedelta(hours=1))

    assert (counts["new"], counts["known"]) == (1, 1)
    assert sorted(one.offence_day.day for one in fleet.notices(world.organisation_id)) == [10, 20]


def test_a_known_number_with_another_content_is_flagged_and_the_earlier_content_kept(world):
    before = fleet.offence_record("AB123CD")
    after = {**before, "dateHeureInfraction": "2026-02-26T23:50:00", "lieu": "N118 PR 4+150"}
    receive(world.organisation_id, [incoming(before)], AS_OF)

    counts = receive(world.organisation_id, [incoming(after)], AS_OF + timedelta(days=1))

    [notice] = fleet.notices(world.organisation_id)
    details = opened(notice)
    assert (counts["known"], counts["changed"]) == (1, 1)
    assert notice.content_changed
    assert (str(notice.offence_day), notice.posted_at) == ("2026-02-26", AS_OF)
    assert (details.place, details.raw, details.earlier) == ("N118 PR 4+150", after, [before])
    assert kinds_of(notice) == [events.RECEIVED, events.CHANGED]


def test_a_changed_content_received_again_changes_nothing_more(world):
    before = fleet.offence_record("AB123CD")
    after = {**before, "lieu": "N118 PR 4+150"}
    receive(world.organisation_id, [incoming(before)], AS_OF)
    receive(world.organisation_id, [incoming(after)], AS_OF)

    counts = receive(world.organisation_id, [incoming(after)], AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    assert counts["changed"] == 0
    assert opened(notice).earlier == [before]


def test_an_answered_notice_keeps_what_was_answered_and_is_flagged_all_the_same(world):
    before = fleet.offence_record("AB123CD")
    after = {**before, "dateHeureInfraction": "2026-02-26T23:50:00", "lieu": "N118 PR 4+150"}
    receive(world.organisation_id, [incoming(before)], AS_OF)
    report_sale(worlds.actor(world.fines), fleet.notice_ids(world.organisation_id)[0], AS_OF)

    counts = receive(world.organisation_id, [incoming(after)], AS_OF)
    repeated = receive(world.organisation_id, [incoming(after)], AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    details = opened(notice)
    assert (counts["changed"], repeated["changed"]) == (1, 0)
    assert notice.content_changed
    assert str(notice.offence_day) == "2026-02-27"
    assert (details.place, details.raw, details.earlier) == ("A6 PR 12+300", before, [after])


@pytest.mark.parametrize(
    ("local", "first", "second"),
    [
        ("2025-10-26T01:59:00", "2025-10-25T23:59", None),
        ("2025-10-26T02:00:00", "2025-10-26T00:00", "2025-10-26T01:00"),
        ("2025-10-26T02:59:00", "2025-10-26T00:59", "2025-10-26T01:59"),
        ("2025-10-26T03:00:00", "2025-10-26T02:00", None),
    ],
)
def test_an_offence_in_the_doubled_hour_of_autumn_keeps_both_instants(world, local, first, second):
    notice_id = fleet.receive_notice(world.organisation_id, dateHeureInfraction=local)

    notice = fleet.notice(world.organisation_id, notice_id)
    expected = [text and datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (first, second)]
    assert [notice.offence_at, notice.second_offence_at] == expected


def test_the_number_of_a_destroyed_notice_never_comes_back(world):
    """C4.3-f."""
    record = fleet.offence_record("AB123CD", dateHeureInfraction="2024-02-29T10:00:00")
    receive(world.organisation_id, [incoming(record)], AS_OF - timedelta(days=60))
    assert privacy.retention_sweep(AS_OF)["destroyed"] == 1

    again = receive(world.organisation_id, [incoming(record), incoming(record)], AS_OF)
    changed = receive(world.organisation_id, [incoming({**record, "lieu": "N118 PR 4+150"})], AS_OF)

    assert (again, changed) == (Counter(destroyed=2), Counter(destroyed=1))
    assert fleet.notices(world.organisation_id) == []


def test_a_number_destroyed_for_one_client_says_nothing_about_another(world, other_world):
    record = fleet.offence_record("AB123CD", dateHeureInfraction="2024-02-29T10:00:00")
    receive(world.organisation_id, [incoming(record)], AS_OF - timedelta(days=60))
    privacy.retention_sweep(AS_OF)

    assert receive(other_world.organisation_id, [incoming(record)], AS_OF) == Counter(new=1)


def test_a_notice_whose_vehicle_is_no_longer_recorded_is_stored_without_it(world, other_world):
    stranger = fleet.add_vehicle(other_world.organisation_id, "AB123CD")

    counts = receive(world.organisation_id, [incoming(fleet.offence_record("AB123CD"), stranger)], AS_OF)

    [notice] = fleet.notices(world.organisation_id)
    assert (counts["new"], notice.vehicle_id) == (1, None)


def test_two_fetchers_at_once_store_each_notice_once(app, world):
    records = [fleet.offence_record("AB123CD") for _ in range(20)]
    together = Barrier(4)

    def fetch() -> dict:
        with app.app_context():
            together.wait(10)
            return receive(world.organisation_id, [incoming(one) for one in records], AS_OF)

    with ThreadPoolExecutor(4) as pool:
        results = [one.result(30) for one in [pool.submit(fetch) for _ in range(4)]]

    notices = fleet.notices(world.organisation_id)
    assert sum(one.get("new", 0) for one in results) == len(notices) == 20
    assert [one.get("new", 0) + one.get("known", 0) for one in results] == [20] * 4
    with tenant_session(world.organisation_id) as session:
        query = select(func.count()).where(NoticeEvent.organisation_id == world.organisation_id)
        assert session.scalar(query) == 20
    # The keys of the fetchers that came second are gone with the rows they did not store.
    assert set(key_store().all_keys(world.organisation_id, notice_details.KEY_PURPOSE)) == {
        one.key_id for one in notices
    }
