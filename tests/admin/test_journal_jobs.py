"""The journal's jobs and commands: chained each minute, signed and cleaned each night, checked on demand."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update

from eprunes.accounts.services import clients
from eprunes.admin import audit_jobs
from eprunes.clock_process import SCHEDULE
from eprunes.core import audit_chain
from eprunes.core.audit_tables import AuditConnection, AuditEntry, AuditHead, AuditLink, AuditPending, AuditSeal
from eprunes.core.audit_verify import verify
from eprunes.core.jobs import FAILED
from eprunes.privacy import jobs as privacy
from tests.core.audit_worlds import as_database_owner, chain_of, make_references_whole, rows_of, write, write_several
from tests.support import tables
from tests.support.worlds import AS_OF

FROM = {"address": "192.0.2.1", "device": "Firefox"}
MOMENT = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def whole_references(app):
    yield
    make_references_whole()


def utc(text_: str) -> datetime:
    return datetime.fromisoformat(text_).replace(tzinfo=UTC)


def kept(organisation_id) -> int:
    return len(rows_of(organisation_id, AuditConnection))


def test_each_minute_the_entries_that_wait_are_chained(world, other_world):
    """C9-a: views, exports and sign-ins of every client."""
    for one in (world, other_world):
        write(one.organisation_id, "avis.consulte")
        write(one.organisation_id, "connexion")
    assert audit_jobs.chain_entries(AS_OF) == {"chained": 4}
    assert audit_jobs.chain_entries(AS_OF) == {"chained": 0}
    assert [entry.action for _, entry in chain_of(world.organisation_id)][-2:] == ["avis.consulte", "connexion"]


def test_a_client_whose_journal_fails_does_not_stop_the_others(world, other_world, monkeypatch):
    monkeypatch.setattr(audit_chain, "genesis", lambda organisation_id: 1 / 0)
    write(world.organisation_id, "avis.consulte")
    write(other_world.organisation_id, "avis.consulte")
    forget_chain(world.organisation_id)
    counts = audit_jobs.chain_entries(AS_OF)
    assert (counts["chained"], counts[FAILED]) == (1, 1)


def test_the_schedule_has_both_jobs():
    """C11: the nightly one keeps a promise of the contract, being late is an alarm."""
    jobs = {job.name: job for job in SCHEDULE}
    assert jobs["audit-chain"].daily_at is None
    assert jobs["audit-chain"].every == timedelta(minutes=1)
    assert (f"{jobs['audit-upkeep'].daily_at:%H:%M}", jobs["audit-upkeep"].legal) == ("03:00", True)


def test_each_night_the_heads_are_signed(world, other_world):
    write(world.organisation_id, "avis.consulte")
    counts = audit_jobs.upkeep(AS_OF)
    assert (counts["signed"], counts["chained"], counts[FAILED]) == (2, 1, 0)
    [seal] = rows_of(world.organisation_id, AuditSeal)
    assert (str(seal.day), seal.seq) == ("2026-03-03", len(chain_of(world.organisation_id)))
    assert audit_jobs.upkeep(AS_OF)["signed"] == 0
    assert verify(world.organisation_id).fault is None


@pytest.mark.parametrize(
    ("at", "last_kept", "erased"),
    [
        ("2026-03-03T09:00", "2027-03-03T22:59:59.999999", "2027-03-03T23:00"),
        ("2026-07-14T21:59", "2027-07-14T21:59:59.999999", "2027-07-14T22:00"),
        ("2026-07-14T22:00", "2027-07-15T21:59:59.999999", "2027-07-15T22:00"),
        ("2028-02-29T12:00", "2029-02-28T22:59:59.999999", "2029-02-28T23:00"),
        ("2027-02-28T12:00", "2028-02-28T22:59:59.999999", "2028-02-28T23:00"),
    ],
)
def test_connection_data_are_erased_after_twelve_months(world, at, last_kept, erased):
    """C11: kept until 24:00 in Paris of the same day twelve months on, 29 February included; then erased."""
    own = world.organisation_id
    write(own, "connexion", utc(at), connection=FROM)
    write(own, "utilisateur.cree", utc(at) + timedelta(days=40), connection=FROM)
    assert audit_jobs.upkeep(utc(last_kept))["connections_erased"] == 0
    assert kept(own) == 2
    before = [(seq, entry.id, entry.commitment) for seq, entry in chain_of(own)]
    assert audit_jobs.upkeep(utc(erased))["connections_erased"] == 1
    assert kept(own) == 1
    assert [(seq, entry.id, entry.commitment) for seq, entry in chain_of(own)] == before
    assert verify(own).fault is None
    assert tables_with(own, FROM["address"]) == {"audit_connections.facts"}


def test_once_erased_the_address_is_nowhere_in_the_trace(world):
    """C11: the commitment that stays can't be guessed back, its salt is gone too."""
    own = world.organisation_id
    write(own, "connexion", connection=FROM)
    [row] = rows_of(own, AuditConnection)
    audit_jobs.upkeep(AS_OF + timedelta(days=400))
    assert tables_with(own, FROM["address"]) == set()
    assert all(row.salt not in value for _, value in tables.tenant_values(own))


def tables_with(own, canary: str) -> set[str]:
    return {name for name, value in tables.tenant_values(own) if canary.encode() in value}


def test_the_purge_of_a_client_leaves_nothing_of_its_journal(world, other_world):
    """C12.3-d: rows that can't be altered can be destroyed with their client."""
    own = world.organisation_id
    for one in (world, other_world):
        write(one.organisation_id, "connexion", connection=FROM)
    audit_jobs.upkeep(AS_OF)
    for one in (world, other_world):
        write(one.organisation_id, "avis.consulte")
    clients.end_contract(organisation_id=own, on=AS_OF.date(), as_of=AS_OF)
    models = (AuditEntry, AuditLink, AuditHead, AuditPending, AuditConnection, AuditSeal)
    assert all(rows_of(own, model) for model in models)
    assert privacy.contract_end_purge(AS_OF + timedelta(days=60))[FAILED] == 0
    assert not any(rows_of(own, model) for model in models)
    assert all(rows_of(other_world.organisation_id, model) for model in models)
    assert verify(other_world.organisation_id).fault is None


def forget_chain(own) -> None:
    """The journal as it was before there were chains."""
    with as_database_owner(own) as connection:
        for model in (AuditLink, AuditHead):
            connection.execute(delete(model).where(model.organisation_id == own))


def run(app, *arguments):
    result = app.test_cli_runner().invoke(args=["audit", *arguments])
    return result.exit_code, result.output


def test_the_command_says_that_journals_are_whole(app, world, other_world):
    """C9-a."""
    write_several(world.organisation_id)
    code, output = run(app, "verify")
    assert code == 0
    assert (
        "Client 0 (732829320)\u00a0: journal intègre (10 entrées chaînées, 0 en attente, 0 empreinte signée)." in output
    )
    assert "Client 1 (404833048)\u00a0: journal intègre (4 entrées chaînées" in output
    code, output = run(app, "verify", "--organisation", other_world.number)
    assert (code, "Client 0" in output, "Client 1" in output) == (0, False, True)


def test_the_command_names_the_first_bad_entry(app, world, other_world):
    write_several(world.organisation_id)
    bad = dict(chain_of(world.organisation_id))[6]
    with as_database_owner(world.organisation_id) as connection:
        mine = AuditEntry.organisation_id == world.organisation_id, AuditEntry.id == bad.id
        connection.execute(update(AuditEntry).where(*mine).values(details={}))
    code, output = run(app, "verify")
    assert code == 1
    named = f"Entrée n° 6, {bad.id}, du mar. 3 mars 2026, 10:01\u00a0: l’entrée ou son maillon a été modifié."
    assert f"Client 0 (732829320)\u00a0: JOURNAL ALTÉRÉ. {named}" in output
    assert "Client 1 (404833048)\u00a0: journal intègre" in output
    assert run(app, "verify", "--organisation", other_world.number)[0] == 0


def test_the_signed_head_that_was_handed_out_reveals_a_cut_tail(app, world, other_world, tmp_path):
    write_several(world.organisation_id)
    code, head = run(app, "head", "--organisation", world.number)
    anchor = tmp_path / "empreinte.json"
    anchor.write_text(head)
    assert code == 0
    assert run(app, "verify", "--organisation", world.number, "--anchor", str(anchor))[0] == 0
    assert run(app, "verify", "--anchor", str(anchor))[0] == 0
    own = world.organisation_id
    [last] = [link for link in rows_of(own, AuditLink) if link.seq == 8]
    tail = [entry.id for seq, entry in chain_of(own) if seq > 8]
    with as_database_owner(own) as connection:
        connection.execute(delete(AuditLink).where(AuditLink.organisation_id == own, AuditLink.seq > 8))
        connection.execute(update(AuditHead).where(AuditHead.organisation_id == own).values(seq=8, hash=last.hash))
        connection.execute(delete(AuditEntry).where(AuditEntry.organisation_id == own, AuditEntry.id.in_(tail)))
    assert run(app, "verify", "--organisation", world.number)[0] == 0
    code, output = run(app, "verify", "--organisation", world.number, "--anchor", str(anchor))
    assert code == 1
    assert "Entrée n° 9\u00a0: la fin du journal a été coupée" in output
    assert "va jusqu’au n° 10" in output


def test_a_file_of_another_client_or_of_something_else_is_refused(app, world, other_world, tmp_path):
    file = tmp_path / "empreinte.json"
    file.write_text(run(app, "head", "--organisation", other_world.number)[1])
    code, output = run(app, "verify", "--organisation", world.number, "--anchor", str(file))
    assert (code, "pas celle d’un journal à vérifier" in output) == (1, True)
    file.write_text("bonjour")
    code, output = run(app, "verify", "--anchor", str(file))
    assert (code, "pas une empreinte du journal" in output) == (1, True)
    code, output = run(app, "verify", "--organisation", "000000000")
    assert (code, "Aucun client" in output) == (1, True)


def test_the_public_key_is_printed(app):
    code, output = run(app, "public-key")
    assert (code, output.splitlines()[0]) == (0, "-----BEGIN PUBLIC KEY-----")
