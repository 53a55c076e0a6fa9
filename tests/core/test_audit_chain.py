"""The chain of a client's journal: one order, no fork, nothing lost, whoever writes at once (C9-a)."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import delete, event, insert, update
from sqlalchemy.exc import DBAPIError

from eprunes.core import audit, audit_chain
from eprunes.core.audit_chain import ChainForked, canonical, chain_pending, genesis, is_chained_later, link_hash
from eprunes.core.audit_tables import AuditConnection, AuditEntry, AuditHead, AuditLink, AuditPending
from eprunes.core.audit_verify import verify
from eprunes.core.database import db, new_id, tenant_session
from tests.core.audit_worlds import chain_of, rows_of, write, write_several
from tests.support.worlds import AS_OF

OWN = UUID("01936b2f-0000-7000-8000-000000000001")


def test_the_canonical_form_is_the_one_that_is_documented():
    """Whoever checks an old journal needs exactly these bytes: they may never change."""
    entry = SimpleNamespace(
        organisation_id=OWN,
        id=UUID("01936b2f-0000-7000-8000-000000000002"),
        at=datetime(2026, 3, 3, 10, 0, 0, 1, tzinfo=timezone(timedelta(hours=1))),
        actor_kind=audit.ActorKind.SYSTEM,
        actor_id=None,
        action="avis.detruits",
        subject_kind=None,
        subject_id=None,
        details={"z": [1, "é"], "a": {"c": None, "b": 2}},
        commitment=b"\x0f" * 32,
    )
    written = (
        '{"action":"avis.detruits","actor_id":null,"actor_kind":"systeme",'
        '"at":"2026-03-03T09:00:00.000001+00:00","commitment":"' + "0f" * 32 + '",'
        '"details":{"a":{"b":2,"c":null},"z":[1,"\\u00e9"]},"id":"01936b2f-0000-7000-8000-000000000002",'
        '"organisation_id":"01936b2f-0000-7000-8000-000000000001","seq":7,"subject_id":null,"subject_kind":null}'
    )
    assert canonical(entry, 7) == written.encode()
    assert link_hash(b"before", entry, 7) == hashlib.sha256(b"before" + written.encode()).digest()
    assert genesis(OWN) == hashlib.sha256(b"eprunes-audit-1" + OWN.bytes).digest()


def test_a_change_is_linked_with_its_own_transaction(world):
    """C9-a: instructions and rights are in the chain as soon as they hold."""
    before = len(chain_of(world.organisation_id))
    write(world.organisation_id, "utilisateur.cree", details={"parc": True, "liste": ("un", "deux")})
    assert [entry.action for _, entry in chain_of(world.organisation_id)][before:] == ["utilisateur.cree"]
    assert verify(world.organisation_id).fault is None


def test_what_is_rolled_back_is_neither_written_nor_linked(world):
    before = len(chain_of(world.organisation_id))
    with tenant_session(world.organisation_id, write=True) as session:
        audit.record(session, "vehicule.ajoute", as_of=AS_OF)
        session.flush()
        session.rollback()
        audit.record(session, "vehicule.modifie", as_of=AS_OF)
    assert [entry.action for _, entry in chain_of(world.organisation_id)][before:] == ["vehicule.modifie"]


@pytest.mark.parametrize(
    "action", ["connexion", "connexion.refusee", "avis.consulte", "avis.exportes", "parc.exporte", "journal.exporte"]
)
def test_views_exports_and_sign_ins_wait_for_the_job(world, action):
    before = len(chain_of(world.organisation_id))
    write(world.organisation_id, action)
    assert len(chain_of(world.organisation_id)) == before
    assert len(rows_of(world.organisation_id, AuditPending)) == 1
    assert chain_pending(world.organisation_id) == 1
    assert chain_of(world.organisation_id)[-1][1].action == action
    assert rows_of(world.organisation_id, AuditPending) == []
    assert chain_pending(world.organisation_id) == 0


@pytest.mark.parametrize(
    "action", ["connexions", "avis.designation", "visite.debut", "contrat.fin", "conducteur.parti"]
)
def test_everything_else_is_linked_at_once(action):
    assert not is_chained_later(action)


def test_entries_that_wait_are_linked_by_instant_in_batches(world, monkeypatch):
    monkeypatch.setattr(audit_chain, "BATCH", 2)
    for minutes in (3, 1, 2, 5, 4):
        write(world.organisation_id, "avis.consulte", AS_OF + timedelta(minutes=minutes))
    assert chain_pending(world.organisation_id) == 5
    instants = [entry.at for _, entry in chain_of(world.organisation_id)][-5:]
    assert instants == sorted(instants)
    assert verify(world.organisation_id).fault is None


def test_each_organisation_has_its_own_chain(world, other_world):
    write_several(world.organisation_id)
    write_several(other_world.organisation_id)
    for one in (world, other_world):
        assert [seq for seq, _ in chain_of(one.organisation_id)] == list(range(1, 11))
        assert verify(one.organisation_id).fault is None


@pytest.mark.parametrize("actions", [["vehicule.modifie"], ["vehicule.modifie", "avis.consulte"]])
def test_many_writers_at_once_fork_nothing_and_lose_nothing(app, world, actions):
    """Attack of time: two writers that read the same head would both follow it."""
    own, started = world.organisation_id, len(chain_of(world.organisation_id))

    def work(number: int) -> None:
        with app.app_context():
            for turn in range(8):
                write(own, actions[(number + turn) % len(actions)], AS_OF, details={"auteur": number, "tour": turn})
                if turn % 3 == 0:
                    chain_pending(own)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    chain_pending(own)

    chained = chain_of(own)
    written = {(e.details["auteur"], e.details["tour"]) for _, e in chained[started:]}
    assert written == {(number, turn) for number in range(6) for turn in range(8)}
    assert [seq for seq, _ in chained] == list(range(1, started + 49))
    report = verify(own)
    assert (report.fault, report.pending, report.entries) == (None, 0, started + 48)


def test_the_very_first_entries_may_come_at_once(app, world):
    """The head is made by whoever is first."""
    own = world.organisation_id
    with tenant_session(own, write=True) as session:
        for model in (AuditLink, AuditHead, AuditEntry):
            session.execute(delete(model).where(model.organisation_id == own))

    def work(number: int) -> None:
        with app.app_context():
            write(own, details={"auteur": number})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert [seq for seq, _ in chain_of(own)] == [1, 2, 3, 4]
    assert verify(own).fault is None


def test_a_transaction_that_waits_for_another_does_not_hold_the_head(app, world):
    """The head is locked last: two services that lock rows in any order never wait for each other through it."""
    own = world.organisation_id
    with tenant_session(own, write=True) as session:
        audit.record(session, "vehicule.ajoute", as_of=AS_OF)
        session.flush()
        if session.bind.dialect.name == "postgresql":  # on SQLite a writer has the whole file
            with ThreadPoolExecutor(1) as pool:
                pool.submit(lambda: _in(app, lambda: write(own, "vehicule.modifie"))).result(timeout=10)
    assert verify(own).fault is None


def _in(app, work):
    with app.app_context():
        return work()


def test_a_head_that_moved_under_the_lock_is_refused(world, monkeypatch):
    monkeypatch.setattr(audit_chain, "_locked_head", lambda session: audit_chain.Head(1_000, b"\x00" * 32))
    before = len(rows_of(world.organisation_id, AuditEntry))
    with pytest.raises(ChainForked):
        write(world.organisation_id)
    assert len(rows_of(world.organisation_id, AuditEntry)) == before


@pytest.mark.parametrize("model", [AuditLink, AuditConnection])
def test_the_database_refuses_to_alter_what_is_final(world, model):
    write(world.organisation_id, connection={"address": "192.0.2.1", "device": "Firefox"})
    values = {"hash": b"\x00" * 32} if model is AuditLink else {"facts": {}}

    def alter():
        with tenant_session(world.organisation_id, write=True) as session:
            session.execute(update(model).where(model.organisation_id == world.organisation_id).values(**values))

    with pytest.raises(DBAPIError, match="append-only"):
        alter()


def test_an_entry_is_linked_once(world):
    write(world.organisation_id)
    [*_, (seq, entry)] = chain_of(world.organisation_id)
    row = {"organisation_id": world.organisation_id, "hash": b"\x00" * 32}

    def link(**values):
        with tenant_session(world.organisation_id, write=True) as session:
            session.execute(insert(AuditLink), [row | values])

    with pytest.raises(DBAPIError, match=r"(?i)unique"):
        link(id=entry.id, seq=seq + 1)
    write(world.organisation_id, "avis.consulte")
    [pending] = rows_of(world.organisation_id, AuditPending)
    with pytest.raises(DBAPIError, match=r"(?i)unique"):
        link(id=pending.id, seq=seq)


def test_connection_data_stand_beside_the_entry_which_only_commits_to_them(world):
    """C11: the address and the device are personal; the chain holds a salted commitment that reveals nothing."""
    facts = {"address": "192.0.2.1", "device": "Firefox"}
    write(world.organisation_id, "connexion", connection=facts)
    write(world.organisation_id, "connexion", connection=facts)
    write(world.organisation_id, "connexion")
    entries = [one for one in rows_of(world.organisation_id, AuditEntry) if one.action == "connexion"]
    kept = {one.id: one for one in rows_of(world.organisation_id, AuditConnection)}
    assert [one.facts for one in kept.values()] == [facts, facts]
    assert len({one.salt for one in kept.values()}) == len({e.commitment for e in entries if e.commitment}) == 2
    for entry in entries:
        if entry.commitment is None:
            assert entry.id not in kept
            continue
        said = kept[entry.id].salt + b'{"address":"192.0.2.1","device":"Firefox"}'
        assert entry.commitment == hashlib.sha256(said).digest()


def test_instants_keep_their_microseconds_through_both_databases(world):
    write(world.organisation_id, as_of=datetime(2026, 3, 3, 9, 0, 0, 123456, tzinfo=UTC), subject=("avis", new_id()))
    write(world.organisation_id, details={"nombre": 0.1, 3: "clé", "texte": "é\u2019\ud83d\ude00\x00"})
    assert verify(world.organisation_id).fault is None


@pytest.mark.parametrize(("count", "mode"), [(100, "auto"), (101, "force_custom_plan")])
def test_many_links_are_checked_by_plans_made_for_the_journal_as_it_is(world, count, mode):
    """A plan of the time when the journal was small may read an index from end to end for each link."""
    acts = [("vehicule.modifie", ("vehicule", new_id()), {}) for _ in range(count)]
    is_postgresql, modes = db.engine.dialect.name == "postgresql", []

    def look(connection, cursor, statement, *_) -> None:
        if statement.startswith("INSERT INTO audit_links") and is_postgresql:
            modes.append(cursor.connection.execute("SHOW plan_cache_mode").fetchone()[0])

    event.listen(db.engine, "before_cursor_execute", look)
    try:
        with tenant_session(world.organisation_id, write=True) as session:
            audit.record_all(session, acts, as_of=AS_OF)
    finally:
        event.remove(db.engine, "before_cursor_execute", look)
    assert modes == [mode] * is_postgresql
