"""Long tasks: claimed with a lease, taken over when their worker dies, gone with their key when they expire."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.core import work
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.work import LEASE, Handler, LeaseLost, WorkState, WorkTask
from tests.support.worlds import AS_OF

KIND = "essai"
LATER = AS_OF + LEASE


@pytest.fixture
def organisation_id(world):
    return world.organisation_id


def create(organisation_id, as_of=AS_OF):
    return work.create_task(organisation_id, KIND, {"note": "secret"}, author_id=None, as_of=as_of)


def claim(organisation_id, as_of=AS_OF):
    return work.claim_next(organisation_id, (KIND,), as_of)


def task(organisation_id):
    with tenant_session(organisation_id) as session:
        return session.scalars(select(WorkTask).where(WorkTask.organisation_id == organisation_id)).one_or_none()


def finish(claim, state, **boxes):
    with tenant_session(claim.organisation_id, write=True) as session:
        work.finish(session, claim, state, **boxes)


def confirm(organisation_id, task_id):
    with tenant_session(organisation_id, write=True) as session:
        return work.confirm(session, task_id, author_id=None, as_of=AS_OF)


def all_keys(organisation_id):
    return set(key_store().all_keys(organisation_id, work.KEY_PURPOSE))


def test_what_a_task_was_given_is_sealed_and_reaches_its_worker(organisation_id):
    create(organisation_id)
    assert b"secret" not in task(organisation_id).input_box
    assert work.open_claimed(claim(organisation_id), "input_box") == {"note": "secret"}


def test_the_steps_follow_each_other_only_through_a_confirmation(organisation_id):
    task_id = create(organisation_id)
    assert not confirm(organisation_id, task_id)
    finish(claim(organisation_id), WorkState.PREPARED, result_box={"seen": True})
    assert claim(organisation_id) is None
    assert confirm(organisation_id, task_id)
    assert not confirm(organisation_id, task_id)
    second = claim(organisation_id)
    assert second.state == WorkState.APPLYING
    assert work.open_claimed(second, "result_box") == {"seen": True}
    finish(second, WorkState.DONE)
    assert claim(organisation_id, AS_OF + timedelta(hours=1)) is None


def test_a_task_is_claimed_by_one_worker_until_its_lease_ends(organisation_id):
    create(organisation_id)
    assert claim(organisation_id) is not None
    assert claim(organisation_id, LATER - timedelta(seconds=1)) is None
    assert claim(organisation_id, LATER) is not None


def test_a_part_of_a_step_and_the_note_that_it_is_done_are_kept_together_or_not_at_all(organisation_id):
    task_id = create(organisation_id)
    held = claim(organisation_id)
    with tenant_session(organisation_id, write=True) as session:
        work.advance(session, held, 1, 2, AS_OF, input_box={"note": "half"})
        session.rollback()
    assert (task(organisation_id).done_steps, work.open_claimed(held, "input_box")) == (0, {"note": "secret"})
    with tenant_session(organisation_id, write=True) as session:
        work.advance(session, held, 1, 2, AS_OF, input_box={"note": "half"})
    successor = claim(organisation_id, LATER)
    assert (task(organisation_id).done_steps, work.open_claimed(successor, "input_box")) == (1, {"note": "half"})
    with pytest.raises(LeaseLost), tenant_session(organisation_id, write=True) as session:
        work.advance(session, held, 2, 2, LATER)
    finish(successor, WorkState.PREPARED)
    assert confirm(organisation_id, task_id)
    assert (task(organisation_id).done_steps, task(organisation_id).total_steps) == (0, 0)


def test_a_lease_from_a_wrong_clock_does_not_hold_a_task_for_ever(organisation_id):
    create(organisation_id, AS_OF)
    claim(organisation_id, AS_OF + timedelta(hours=3))
    assert claim(organisation_id, AS_OF) is not None


def test_whoever_lost_its_lease_writes_nothing_any_more(organisation_id):
    create(organisation_id)
    killed, heir = claim(organisation_id), claim(organisation_id, LATER)
    with pytest.raises(LeaseLost):
        work.report_progress(killed, 1, 2, LATER)
    with pytest.raises(LeaseLost):
        finish(killed, WorkState.PREPARED)
    finish(heir, WorkState.PREPARED)
    assert task(organisation_id).state == WorkState.PREPARED


def test_progress_is_seen_and_renews_the_lease(organisation_id):
    create(organisation_id)
    held = claim(organisation_id)
    work.report_progress(held, 3, 10, LATER - timedelta(seconds=1))
    assert (task(organisation_id).done_steps, task(organisation_id).total_steps) == (3, 10)
    assert claim(organisation_id, LATER) is None


def test_a_cancelled_task_is_gone_with_its_key_and_its_worker_stops(organisation_id):
    task_id = create(organisation_id)
    held = claim(organisation_id)
    assert work.cancel(organisation_id, task_id)
    assert task(organisation_id) is None
    assert all_keys(organisation_id) == set()
    with pytest.raises(LeaseLost):
        finish(held, WorkState.PREPARED)
    assert not work.cancel(organisation_id, task_id)


def test_a_task_that_is_being_applied_or_done_is_not_cancelled(organisation_id):
    task_id = create(organisation_id)
    finish(claim(organisation_id), WorkState.PREPARED)
    confirm(organisation_id, task_id)
    applying = claim(organisation_id)
    assert not work.cancel(organisation_id, task_id)
    finish(applying, WorkState.DONE)
    assert not work.cancel(organisation_id, task_id)


def test_a_step_that_fails_is_tried_again_and_given_up_after_three_attempts(organisation_id, caplog):
    create(organisation_id)
    handler = Handler(prepare=lambda claim, as_of: 1 / 0, apply=lambda claim, as_of: None, gave_up={"why": "cassé"})
    instant, outcomes = AS_OF, []
    for _ in range(5):
        outcomes.append(dict(work.run_due(organisation_id, {KIND: handler}, instant)))
        instant += work.RETRY_AFTER
    failed, abandoned = {"failed": 1, "removed": 0}, {"abandoned": 1, "removed": 0}
    assert outcomes == [failed, failed, failed, abandoned, {"removed": 0}]
    found = task(organisation_id)
    assert found.state == WorkState.FAILED
    key = key_store().keys(organisation_id, [found.key_id])[found.key_id]
    assert work.open_task(key, organisation_id, found.id, found.result_box) == {"why": "cassé"}


def test_a_task_that_fails_does_not_hold_up_the_next_one(organisation_id, caplog):
    first = create(organisation_id)
    create(organisation_id, AS_OF + timedelta(seconds=1))

    def prepare(claim, as_of):
        if claim.task_id == first:
            raise RuntimeError
        finish(claim, WorkState.PREPARED)

    handler = Handler(prepare, lambda claim, as_of: None, gave_up={})
    counts = work.run_due(organisation_id, {KIND: handler}, AS_OF + timedelta(seconds=2))
    assert (counts["failed"], counts["prepared"]) == (1, 1)


@pytest.mark.parametrize(("late", "removed"), [(timedelta(seconds=-1), 0), (timedelta(0), 1)])
def test_an_expired_task_is_removed_with_its_key(organisation_id, late, removed):
    create(organisation_id)
    assert work.remove_expired(organisation_id, AS_OF + work.KEPT_FOR + late) == removed
    assert (task(organisation_id) is None) == bool(removed)
    assert work.remove_expired(organisation_id, AS_OF + work.KEPT_FOR + timedelta(seconds=1)) == 1 - removed
    assert all_keys(organisation_id) == set()


@pytest.mark.parametrize("begun", [False, True])
def test_what_was_agreed_to_is_carried_out_after_days_of_outage_and_its_result_can_be_read(organisation_id, begun):
    """An answer is given at its confirmation: it never vanishes because nothing ran for a day."""
    created = create(organisation_id)
    finish(claim(organisation_id), WorkState.PREPARED)
    assert confirm(organisation_id, created)
    if begun:
        assert claim(organisation_id).state == WorkState.APPLYING
    later, seen = AS_OF + 3 * work.KEPT_FOR, []

    def apply(claim, as_of):
        seen.append(claim.task_id)
        finish(claim, WorkState.DONE, result_box={"done": 1})

    assert work.remove_expired(organisation_id, later) == 0
    handler = Handler(lambda claim, as_of: None, apply, gave_up={})
    counts = work.run_due(organisation_id, {KIND: handler}, later)
    assert (seen, counts["applied"], counts["removed"]) == ([created], 1, 0)
    assert work.remove_expired(organisation_id, later + work.KEPT_FOR - timedelta(seconds=1)) == 0
    assert work.remove_expired(organisation_id, later + work.KEPT_FOR) == 1


def test_a_key_that_a_crash_left_without_a_task_is_destroyed_a_day_later(organisation_id):
    key_store().create_keys(organisation_id, work.KEY_PURPOSE, AS_OF)
    work.remove_expired(organisation_id, AS_OF + work.KEPT_FOR)
    assert len(all_keys(organisation_id)) == 1
    work.remove_expired(organisation_id, AS_OF + work.KEPT_FOR + timedelta(seconds=1))
    assert all_keys(organisation_id) == set()


def test_a_task_whose_key_is_gone_is_removed_and_holds_up_nobody(organisation_id):
    create(organisation_id)
    key_store().destroy_keys(organisation_id, all_keys(organisation_id))
    assert claim(organisation_id) is None
    assert task(organisation_id) is None


def test_a_task_is_claimed_for_its_own_organisation_only(organisation_id, other_world):
    create(organisation_id)
    assert claim(other_world.organisation_id) is None
