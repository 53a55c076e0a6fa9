"""The sweep and the purge as real processes, killed in the middle: what is due goes, nothing else does (C9-f)."""

from datetime import UTC, date, datetime, timedelta

from eprunes.accounts.services import clients
from eprunes.antai import messages
from eprunes.core.crypto import key_store
from eprunes.fines.answering import NoticeState
from eprunes.fines.notice_details import KEY_PURPOSE, open_notices
from eprunes.fines.receiving import Incoming, receive
from eprunes.privacy import jobs
from eprunes.privacy.sweeping import BATCH
from tests.fines.test_windows import set_state
from tests.support import fleet, tables
from tests.support.killed import run_job, started, wait_for
from tests.support.worlds import AS_OF

DUE = 2_000
END = datetime(2027, 2, 27, 23, 0, tzinfo=UTC)
# The real job; at the third batch it stops where the rows are gone and their keys are not.
SWEEPER = """
import sys, time
from eprunes import create_app
from eprunes.core import clock
from eprunes.core.crypto import KeyStore
from eprunes.privacy import jobs

destroy, calls = KeyStore.{method}, []

def stop_at_the_third(*arguments):
    calls.append(arguments)
    if len(calls) == {stop_at}:
        print("rows gone", flush=True)
        time.sleep(60)
    return destroy(*arguments)

KeyStore.{method} = stop_at_the_third
with create_app().app_context():
    jobs.{job}(clock.parse_instant("{as_of}"))
"""


def receive_many(world, number: int, offence: str) -> None:
    records = [fleet.offence_record("AB123CD", dateHeureInfraction=offence) for _ in range(number)]
    receive(world.organisation_id, [Incoming(messages.read_offence(one), None) for one in records], AS_OF)


def notice_keys(world) -> set:
    return key_store().keys_created_before(world.organisation_id, KEY_PURPOSE, END + timedelta(days=1))


def kill_in_the_middle(environ, **named: object) -> None:
    with started(["-c", SWEEPER.format(**named)], environ) as process:
        wait_for(lambda: process.said == "rows gone\n")
        process.kill()


def test_a_sweep_killed_in_the_middle_is_finished_by_the_next_one(world, other_world, environ):
    """C4.3-f, decision 5: 2,000 notices are due, five are not."""
    receive_many(world, DUE, "2026-02-27T10:12:00")
    receive_many(world, 5, "2026-02-28T10:12:00")
    receive_many(other_world, 5, "2026-02-28T10:12:00")
    for notice_id in fleet.notice_ids(other_world.organisation_id):
        set_state(other_world.organisation_id, notice_id, NoticeState.ANSWERED)
    others = tables.tenant_values(other_world.organisation_id)

    kill_in_the_middle(environ, method="destroy_keys", stop_at=3, job="retention_sweep", as_of=END.isoformat())
    left, keys_left = len(fleet.notices(world.organisation_id)), len(notice_keys(world))
    counts = jobs.retention_sweep(END)

    kept = fleet.notices(world.organisation_id)
    assert (left, keys_left) == (DUE + 5 - 3 * BATCH, DUE + 5 - 2 * BATCH)
    assert (counts["destroyed"], counts["orphan_keys"]) == (DUE - 3 * BATCH, BATCH)
    assert len(kept) == 5
    assert notice_keys(world) == {one.key_id for one in kept}
    assert len(open_notices(key_store(), kept)) == 5
    assert tables.tenant_counts(world.organisation_id)["destroyed_notices"] == DUE
    assert tables.tenant_values(other_world.organisation_id) == others


def test_a_purge_killed_between_the_rows_and_the_keys_is_finished_by_the_next_one(world, other_world, environ):
    """C12.3-d."""
    for one in (world, other_world):
        receive_many(one, 5, "2026-02-27T10:12:00")
    clients.end_contract(organisation_id=world.organisation_id, on=date(2026, 3, 10), as_of=AS_OF)
    others = tables.tenant_values(other_world.organisation_id)
    purge = "2026-04-10T22:00:00+00:00"

    kill_in_the_middle(environ, method="destroy_organisation", stop_at=1, job="contract_end_purge", as_of=purge)
    keys_left = len(notice_keys(world))
    with run_job("contract-end-purge", environ, "--as-of", purge) as again:
        again.wait(60)

    assert (keys_left, again.returncode) == (5, 0)
    assert set(tables.tenant_counts(world.organisation_id).values()) == {0}
    assert notice_keys(world) == set()
    assert tables.tenant_values(other_world.organisation_id) == others
    assert len(open_notices(key_store(), fleet.notices(other_world.organisation_id))) == 5
