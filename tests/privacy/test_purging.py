"""One month after the contract's end nothing of the client is left, and the others have lost nothing (C12.3-d)."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from eprunes.accounts import sessions
from eprunes.accounts.models import Identity, Organisation, UserSession
from eprunes.accounts.services import clients
from eprunes.antai.client import AgencyClient
from eprunes.antai.models import DeclaredPlate
from eprunes.antai.sending import send_due
from eprunes.core import files, work
from eprunes.core.crypto import BoxUnreadable, KeyStore, key_store
from eprunes.core.database import db, new_id, platform_session, tenant_session
from eprunes.core.jobs import FAILED
from eprunes.core.tenant_guard import is_tenant_table
from eprunes.fines import notice_details
from eprunes.fleet import driver_details
from eprunes.fleet.documents import VEHICLE, Subject
from eprunes.fleet.models import DocumentKind, DueDate, DueKind, ImportMapping, VehicleAbsence
from eprunes.fleet.services import documents, namesakes
from eprunes.privacy import jobs
from tests.privacy.test_sweeping import answer, cut_off
from tests.support import fleet, tables, worlds
from tests.support.beside import keep_beside
from tests.support.papers import pdf
from tests.support.worlds import AS_OF

SECOND = timedelta(seconds=1)
END = date(2026, 3, 10)
PURGE = datetime(2026, 4, 10, 22, 0, tzinfo=UTC)
PURPOSES = (notice_details.KEY_PURPOSE, driver_details.KEY_PURPOSE, work.KEY_PURPOSE, files.KEY_PURPOSE)
# Older than any archive at AS_OF: the sweep leaves its fingerprint behind.
DESTROYED = "2024-02-29T10:00:00"


def live(world: worlds.World, plate: str) -> None:
    """Something of everything: a row in each of the client's tables, keys, and people signed in."""
    organisation_id = world.organisation_id
    vehicle_id = fleet.add_vehicle(organisation_id, plate)
    fleet.assign(organisation_id, vehicle_id, fleet.add_driver(organisation_id))
    fleet.note_declared(organisation_id, vehicle_id, plate)
    fleet.receive_notice(organisation_id, posted_at=AS_OF - timedelta(days=60), dateHeureInfraction=DESTROYED)
    jobs.retention_sweep(AS_OF)
    notice_id = fleet.receive_notice(organisation_id, vehicle_id=vehicle_id)
    keep_beside(organisation_id, notice_id)
    answer(world, notice_id)
    send_due(organisation_id, AgencyClient("http://127.0.0.1:9", "", ""), AS_OF)
    work.create_task(organisation_id, "import", {}, author_id=None, as_of=AS_OF)
    worlds.open_session(world.fines)
    worlds.give_trace(world)
    deepen(world, vehicle_id)
    two = [fleet.add_driver(organisation_id) for _ in range(2)]
    both = {"driver_id": two[0], "other_id": two[1]}
    namesakes.declare_distinct(actor=worlds.actor(world.fleet), **both, as_of=AS_OF)
    assert [name for name, count in tables.tenant_counts(organisation_id).items() if not count] == []


def deepen(world: worlds.World, vehicle_id: UUID) -> None:
    """A document of a vehicle, a due date, an absence, and what imports have learnt."""
    paper = {"kind": DocumentKind.INSURANCE, "name": "Police.pdf", "content": pdf(b"Quatremare")}
    boss, of_vehicle = worlds.actor(world.fleet), Subject(VEHICLE, vehicle_id)
    documents.add_document(actor=boss, subject=of_vehicle, **paper, as_of=AS_OF)
    own = {"organisation_id": world.organisation_id}
    due = {"kind": DueKind.CUSTOM, "due_on": AS_OF.date(), "created_at": AS_OF}
    with tenant_session(world.organisation_id, write=True) as session:
        session.add(DueDate(id=new_id(), vehicle_id=vehicle_id, **due, **own))
        session.add(ImportMapping(id=new_id(), sheet="vehicules", heading="lieu", field="site", **own))
        away = {"left_at": AS_OF - 2 * SECOND, "back_at": AS_OF, "left_because": "vol", "created_at": AS_OF}
        session.add(VehicleAbsence(id=new_id(), vehicle_id=vehicle_id, **away, **own))


def end_contract(world: worlds.World, on: date = END) -> None:
    clients.end_contract(organisation_id=world.organisation_id, on=on, as_of=AS_OF)


def keys_of(world: worlds.World) -> set:
    found = [key_store().keys_created_before(world.organisation_id, one, PURGE) for one in PURPOSES]
    return set().union(*found)


def people_of(world: worlds.World) -> tuple[int, int]:
    """Accounts of the client, and sessions of theirs."""
    mine = select(Identity.id).where(Identity.organisation_id == world.organisation_id)
    with platform_session("tests") as session:
        sessions = session.scalars(select(UserSession).where(UserSession.identity_id.in_(mine))).all()
        return len(session.scalars(mine).all()), len(sessions)


def organisation(world: worlds.World) -> Organisation:
    with platform_session("tests") as session:
        return session.get(Organisation, world.organisation_id)


def test_everything_of_the_client_is_destroyed_and_nothing_of_another(world, other_world):
    """C12.3-d, C9-f."""
    live(world, "AB123CD")
    live(other_world, "AB124CD")
    end_contract(world)
    others, others_keys, others_people = (
        tables.tenant_values(other_world.organisation_id),
        keys_of(other_world),
        people_of(other_world),
    )

    counts = jobs.contract_end_purge(PURGE)

    assert (counts["purged"], counts[FAILED]) == (1, 0)
    assert {name for name, count in tables.tenant_counts(world.organisation_id).items() if count} == set()
    assert (keys_of(world), people_of(world)) == (set(), (0, 0))
    assert tables.counts(world.organisation_id)["user_sessions"] == others_people[1]
    with pytest.raises(BoxUnreadable):
        key_store().index_key(world.organisation_id)
    assert organisation(world).purged_at == PURGE
    assert tables.tenant_values(other_world.organisation_id) == others
    assert (keys_of(other_world), people_of(other_world)) == (others_keys, others_people)
    assert notice_details.open_notices(key_store(), fleet.notices(other_world.organisation_id))


@pytest.mark.parametrize(
    ("end", "purge"),
    [
        (END, "2026-04-10T22:00"),
        (date(2026, 5, 31), "2026-06-30T22:00"),
        (date(2026, 9, 25), "2026-10-25T23:00"),
        (date(2027, 1, 31), "2027-02-28T23:00"),
    ],
)
def test_the_purge_waits_for_midnight_in_paris_one_month_after_the_end(world, end, purge):
    """C12.3-b, C12.3-d."""
    end_contract(world, end)
    instant = datetime.fromisoformat(purge).replace(tzinfo=UTC)
    before = tables.tenant_counts(world.organisation_id)

    early = jobs.contract_end_purge(instant - SECOND)
    kept = tables.tenant_counts(world.organisation_id)
    due = jobs.contract_end_purge(instant)

    assert (early["purged"], kept) == (0, before)
    assert due["purged"] == 1


def test_a_contract_without_an_end_is_never_purged(world):
    assert jobs.contract_end_purge(PURGE + timedelta(days=4000))["purged"] == 0
    assert people_of(world)[0] == 4


def test_between_the_end_and_the_purge_everything_is_kept_and_nobody_enters(world):
    """C12.3-a, C12.3-b."""
    live(world, "AB123CD")
    end_contract(world)
    before, keys = tables.tenant_counts(world.organisation_id), keys_of(world)

    jobs.contract_end_purge(PURGE - SECOND)

    assert (tables.tenant_counts(world.organisation_id), keys_of(world)) == (before, keys)
    assert worlds.actor(world.admin, PURGE - SECOND) is None


def test_purging_again_does_nothing(world):
    live(world, "AB123CD")
    end_contract(world)
    jobs.contract_end_purge(PURGE)

    again = jobs.contract_end_purge(PURGE + timedelta(days=1))

    assert (again["purged"], again[FAILED]) == (0, 0)
    assert organisation(world).purged_at == PURGE


def test_a_purge_cut_off_between_the_rows_and_the_keys_is_finished_by_the_next_one(world, monkeypatch, caplog):
    """C12.3-d."""
    live(world, "AB123CD")
    end_contract(world)
    with monkeypatch.context() as cut:
        cut.setattr(KeyStore, "destroy_organisation", cut_off)
        first = jobs.contract_end_purge(PURGE)
    left, marked = keys_of(world), organisation(world).purged_at

    second = jobs.contract_end_purge(PURGE + timedelta(days=1))

    assert (first[FAILED], marked) == (1, None)
    assert left != set()
    assert (second["purged"], keys_of(world)) == (1, set())
    assert organisation(world).purged_at == PURGE + timedelta(days=1)


def test_a_purge_that_fails_on_the_way_takes_nothing_away(world, monkeypatch, caplog):
    live(world, "AB123CD")
    end_contract(world)
    before = tables.tenant_values(world.organisation_id), people_of(world)

    def breaks_half_way(table) -> bool:
        if table.name == "drivers":
            raise ConnectionError("the database is out of reach")
        return is_tenant_table(table)

    with monkeypatch.context() as broken:
        broken.setattr("eprunes.privacy.purging.is_tenant_table", breaks_half_way)
        counts = jobs.contract_end_purge(PURGE)

    assert counts[FAILED] == 1
    assert (tables.tenant_values(world.organisation_id), people_of(world)) == before


def test_after_the_purge_the_number_and_the_addresses_are_free_again(world):
    """C3.2-b, C12.3-d."""
    end_contract(world)
    jobs.contract_end_purge(PURGE)

    again = clients.create_organisation(
        name="Client revenu", number=world.number, admin_email=world.fines, vehicles=1, as_of=PURGE
    )

    assert again != world.organisation_id
    assert worlds.actor(world.fines, PURGE).organisation_id == again


def test_a_session_open_since_before_the_purge_opens_nothing(world):
    """C3.4."""
    token = worlds.open_session(world.admin, PURGE - SECOND)
    end_contract(world)
    jobs.contract_end_purge(PURGE)

    assert sessions.actor_for(token, PURGE) is None


def test_plates_whose_withdrawal_the_agency_acknowledged_are_forgotten_the_others_wait(world, other_world):
    """C12.3-d, decision 9."""
    for one, plate in ((world, "AB123CD"), (world, "AB124CD"), (other_world, "AB125CD")):
        fleet.note_declared(one.organisation_id, fleet.add_vehicle(one.organisation_id, plate), plate)
    with platform_session("tests", write=True) as session:
        session.scalars(select(DeclaredPlate).where(DeclaredPlate.plate_key == "AB123CD")).one().withdrawn_at = AS_OF
    end_contract(world)

    jobs.contract_end_purge(PURGE)

    with platform_session("tests") as session:
        assert sorted(session.scalars(select(DeclaredPlate.plate_key))) == ["AB124CD", "AB125CD"]


def test_one_client_s_failure_does_not_hold_up_another_s_purge(world, other_world, monkeypatch, caplog):
    for one in (world, other_world):
        end_contract(one)
    destroy = KeyStore.destroy_organisation
    monkeypatch.setattr(
        KeyStore,
        "destroy_organisation",
        lambda store, owner: (cut_off if owner == world.organisation_id else destroy)(store, owner),
    )

    counts = jobs.contract_end_purge(PURGE)

    assert (counts["purged"], counts[FAILED]) == (1, 1)


def test_the_files_of_the_database_hold_no_trace_of_a_purged_client_in_the_clear(world, app):
    """C12.3-d: on SQLite deleted rows leave the file itself; elsewhere only destroyed keys make them unreadable."""
    live(world, "AB123CD")
    with platform_session("tests", write=True) as session:
        session.scalars(select(DeclaredPlate)).one().withdrawn_at = AS_OF
    end_contract(world)

    secrets = {b"AB123CD", world.fines.encode(), world.admin.encode()}
    before = traces(secrets)

    counts = jobs.contract_end_purge(PURGE)

    if db.engine.dialect.name == "sqlite":
        assert (before, counts["wal_truncated"], traces(secrets)) == (secrets, 1, set())
    assert keys_of(world) == set()


def traces(secrets: set[bytes]) -> set[bytes]:
    """Those that can be read in SQLite's own files."""
    stem = str(db.engine.url.database)
    files = [Path(stem), Path(stem + "-wal")]
    contents = b"".join(file.read_bytes() for file in files if file.exists())
    return {one for one in secrets if one in contents}
