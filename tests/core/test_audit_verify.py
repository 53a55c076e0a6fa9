"""Whoever alters the journal is found out, even with the whole database in hand (C9-a)."""

import json
from base64 import b64decode
from datetime import timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import delete, insert, text, update

from eprunes.core import audit_seals, audit_verify
from eprunes.core.audit_chain import chain_pending, genesis, link_hash
from eprunes.core.audit_seals import keep_head, public_key_text, read_anchor, sign_head, write_anchor
from eprunes.core.audit_tables import AuditConnection, AuditEntry, AuditHead, AuditLink, AuditPending, AuditSeal
from eprunes.core.audit_verify import (
    CHANGED,
    CONNECTION_CHANGED,
    CUT,
    HEAD_CHANGED,
    MISSING,
    REMOVED,
    UNLINKED,
    verify,
)
from eprunes.core.database import new_id, tenant_session
from eprunes.core.refusals import Refused
from tests.core.audit_worlds import (
    MINUTE,
    as_database_owner,
    chain_of,
    make_references_whole,
    rows_of,
    write,
    write_several,
)
from tests.support.worlds import AS_OF, make_world

BAD = 6
"""The place of the entry that is altered; views and changes stand before and after it."""


@pytest.fixture(autouse=True)
def whole_references(app):
    yield
    make_references_whole()


@pytest.fixture
def own(world):
    """A client whose journal has ten linked entries."""
    write_several(world.organisation_id)
    assert len(chain_of(world.organisation_id)) == 10
    return world.organisation_id


def entry_at(own, seq):
    return dict(chain_of(own))[seq]


def alter(own, *statements):
    with as_database_owner(own) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0


def entries(own, seq):
    return AuditEntry.organisation_id == own, AuditEntry.id == entry_at(own, seq).id


def at(own, seq):
    return AuditLink.organisation_id == own, AuditLink.seq == seq


def anchor_of(own, as_of=AS_OF):
    """The signed head as the client keeps it."""
    with tenant_session(own) as session:
        return read_anchor(write_anchor(sign_head(session, as_of)))


def rehash(own, connection):
    """What a forger does afterwards: every hash made anew, and the head moved along."""
    last, chained = genesis(own), []
    connection.commit()
    for seq, entry in chain_of(own):
        last = link_hash(last, entry, seq)
        chained.append((seq, last))
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('app.organisation_id', :own, true)"), {"own": str(own)})
    for seq, hash_ in chained:
        connection.execute(
            update(AuditLink).where(AuditLink.organisation_id == own, AuditLink.seq == seq).values(hash=hash_)
        )
    head = update(AuditHead).where(AuditHead.organisation_id == own).values(seq=chained[-1][0], hash=last)
    connection.execute(head)


def test_an_untouched_journal_verifies(own):
    keep_head(own, AS_OF)
    write(own, "avis.consulte")
    report = verify(own, anchor_of(own))
    assert (report.fault, report.entries, report.pending, report.seals) == (None, 10, 1, 1)


@pytest.mark.parametrize("chunk", [1, 3, 10, 11])
def test_long_journals_are_read_in_parts(own, monkeypatch, chunk):
    monkeypatch.setattr(audit_verify, "CHUNK", chunk)
    assert (verify(own).fault, verify(own).entries) == (None, 10)
    alter(own, update(AuditEntry).where(*entries(own, 10)).values(action="autre"))
    assert verify(own).fault.seq == 10


@pytest.mark.parametrize(
    "values",
    [
        {"details": {"nombre": 7}},
        {"details": {}},
        {"actor_id": new_id()},
        {"actor_id": None},
        {"actor_kind": "exploitant"},
        {"at": AS_OF + timedelta(microseconds=1)},
        {"action": "vehicule.sorti"},
        {"subject_kind": "avis"},
        {"subject_id": new_id()},
        {"commitment": b"\x00" * 32},
    ],
    ids=lambda values: "".join(values),
)
def test_an_altered_entry_is_named(own, values):
    """Attack: another content, author or instant, by raw SQL, the triggers taken away."""
    entry = entry_at(own, BAD)
    alter(own, update(AuditEntry).where(*entries(own, BAD)).values(**values))
    fault = verify(own).fault
    assert (fault.what, fault.seq, fault.entry_id) == (CHANGED, BAD, entry.id)
    assert fault.at == values.get("at", entry.at)


def test_an_altered_link_is_named(own):
    alter(own, update(AuditLink).where(*at(own, BAD)).values(hash=b"\x00" * 32))
    assert (verify(own).fault.what, verify(own).fault.seq) == (CHANGED, BAD)


def test_an_entry_deleted_in_the_middle_is_named(own):
    entry = entry_at(own, BAD)
    alter(own, delete(AuditEntry).where(*entries(own, BAD)))
    assert (verify(own).fault.what, verify(own).fault.seq, verify(own).fault.entry_id) == (REMOVED, BAD, entry.id)


def test_an_entry_deleted_with_its_link_is_named(own):
    alter(own, delete(AuditEntry).where(*entries(own, BAD)), delete(AuditLink).where(*at(own, BAD)))
    assert (verify(own).fault.what, verify(own).fault.seq) == (MISSING, BAD)


def test_two_swapped_entries_are_named(own):
    second = entry_at(own, BAD + 1)
    alter(
        own,
        update(AuditLink).where(*at(own, BAD)).values(seq=-1),
        update(AuditLink).where(*at(own, BAD + 1)).values(seq=BAD),
        update(AuditLink).where(*at(own, -1)).values(seq=BAD + 1),
    )
    fault = verify(own).fault
    assert (fault.what, fault.seq, fault.entry_id) == (CHANGED, BAD, second.id)


def test_two_entries_with_swapped_contents_are_named(own):
    first, second = entry_at(own, BAD), entry_at(own, BAD + 1)
    alter(
        own,
        update(AuditEntry).where(*entries(own, BAD)).values(details=second.details, action=second.action),
        update(AuditEntry).where(*entries(own, BAD + 1)).values(details=first.details, action=first.action),
    )
    assert (verify(own).fault.what, verify(own).fault.seq) == (CHANGED, BAD)


def test_an_entry_put_in_beside_the_chain_is_named(own):
    row = {
        "organisation_id": own,
        "id": new_id(),
        "at": AS_OF,
        "actor_kind": "systeme",
        "action": "faux",
        "details": {},
    }
    alter(own, insert(AuditEntry).values(**row))
    fault = verify(own).fault
    assert (fault.what, fault.seq, fault.entry_id, fault.at) == (UNLINKED, None, row["id"], AS_OF)


def test_an_entry_put_into_the_middle_of_the_chain_is_named(own):
    row = {
        "organisation_id": own,
        "id": new_id(),
        "at": AS_OF,
        "actor_kind": "systeme",
        "action": "faux",
        "details": {},
    }
    moved = [update(AuditLink).where(*at(own, seq)).values(seq=seq + 1) for seq in range(10, BAD - 1, -1)]
    link = insert(AuditLink).values(organisation_id=own, id=row["id"], seq=BAD, hash=b"\x01" * 32)
    alter(own, *moved, insert(AuditEntry).values(**row), link)
    assert (verify(own).fault.what, verify(own).fault.seq, verify(own).fault.entry_id) == (CHANGED, BAD, row["id"])


def cut_tail(own, *, with_head):
    tail = [entry_at(own, seq).id for seq in (9, 10)]
    with tenant_session(own) as session:
        hash_ = session.scalar(AuditLink.__table__.select().with_only_columns(AuditLink.hash).where(*at(own, 8)))
    statements = [
        delete(AuditLink).where(AuditLink.organisation_id == own, AuditLink.seq > 8),
        delete(AuditEntry).where(AuditEntry.organisation_id == own, AuditEntry.id.in_(tail)),
    ]
    if with_head:
        statements.append(update(AuditHead).where(AuditHead.organisation_id == own).values(seq=8, hash=hash_))
    alter(own, *statements)


def test_a_cut_tail_is_seen_from_the_head(own):
    cut_tail(own, with_head=False)
    assert (verify(own).fault.what, verify(own).fault.seq) == (CUT, 9)


def test_a_cut_tail_whose_head_was_moved_back_is_seen_from_the_signed_head_alone(own):
    """A chain alone misses a cut tail: the file that the client keeps does not."""
    keep_head(own, AS_OF)
    anchor = anchor_of(own)
    cut_tail(own, with_head=True)
    fault = verify(own).fault
    assert (fault.seq, fault.what.startswith(CUT), "n° 10" in fault.what) == (9, True, True)
    alter(own, delete(AuditSeal).where(AuditSeal.organisation_id == own))
    assert verify(own).fault is None
    fault = verify(own, anchor).fault
    assert (fault.seq, fault.what.startswith(CUT), "fichier d’empreinte" in fault.what) == (9, True, True)


@pytest.mark.parametrize("statement", ["delete", "seq", "hash"])
def test_a_head_that_does_not_follow_the_last_link_is_named(own, statement):
    head = AuditHead.organisation_id == own
    values = {"seq": {"seq": 9}, "hash": {"hash": b"\x00" * 32}}
    alter(
        own,
        delete(AuditHead).where(head)
        if statement == "delete"
        else update(AuditHead).where(head).values(**values[statement]),
    )
    assert verify(own).fault.what == HEAD_CHANGED


def test_a_forged_entry_with_every_hash_made_anew_is_seen_from_the_signature(own):
    """Attack: a database owner who knows how hashes are made, but can't sign."""
    keep_head(own, AS_OF)
    anchor = anchor_of(own)
    write(own, as_of=AS_OF + MINUTE)
    keep_head(own, AS_OF + timedelta(days=1))
    forged = update(AuditEntry).where(*entries(own, BAD)).values(details={"nombre": 9})
    with as_database_owner(own) as connection:
        connection.execute(forged)
        rehash(own, connection)
    fault = verify(own).fault
    assert (fault.seq, fault.entry_id) == (10, entry_at(own, 10).id)
    assert "empreinte signée le 03/03/2026 ne correspond plus" in fault.what
    assert "entre le n° 1 et" in fault.what
    alter(own, delete(AuditSeal).where(AuditSeal.organisation_id == own))
    assert verify(own).fault is None
    assert "fichier d’empreinte du 03/03/2026 ne correspond plus" in verify(own, anchor).fault.what


def test_what_was_forged_lies_after_the_last_signature_that_holds(own):
    keep_head(own, AS_OF)
    write_several(own, 3)
    keep_head(own, AS_OF + timedelta(days=1))
    forged = update(AuditEntry).where(*entries(own, 12)).values(details={"nombre": 9})
    with as_database_owner(own) as connection:
        connection.execute(forged)
        rehash(own, connection)
    fault = verify(own).fault
    assert fault.seq == 13
    assert "empreinte signée le 04/03/2026" in fault.what
    assert "entre le n° 11 et" in fault.what


def test_a_signature_made_by_someone_else_is_named(own, monkeypatch):
    anchor = anchor_of(own)
    with monkeypatch.context() as forging:
        forging.setattr(audit_seals, "_KEY_LABEL", "other-key")
        keep_head(own, AS_OF)
        forged = anchor_of(own)
    assert "n’a pas été signée par cette plateforme" in verify(own).fault.what
    alter(own, delete(AuditSeal).where(AuditSeal.organisation_id == own))
    assert verify(own, anchor).fault is None
    assert "fichier d’empreinte n’a pas été signé" in verify(own, forged).fault.what


@pytest.mark.parametrize("values", [{"seq": 9}, {"hash": b"\x00" * 32}, {"signature": b"\x00" * 64}])
def test_an_altered_signed_head_is_named(own, values):
    keep_head(own, AS_OF)
    alter(own, update(AuditSeal).where(AuditSeal.organisation_id == own).values(**values))
    assert "n’a pas été signée par cette plateforme" in verify(own).fault.what


def test_the_head_of_another_client_proves_nothing(own):
    other = make_world(1).organisation_id
    write_several(other, 20)
    assert verify(own, anchor_of(other)).fault is not None


def test_altered_connection_data_are_named_and_erased_ones_are_not(own):
    """C11: erasing leaves the chain verifiable."""
    write(own, "connexion", connection={"address": "192.0.2.1", "device": "Firefox"})
    chain_pending(own)
    assert verify(own).fault is None
    mine = AuditConnection.organisation_id == own
    alter(own, update(AuditConnection).where(mine).values(facts={"address": "192.0.2.2", "device": "Firefox"}))
    assert (verify(own).fault.what, verify(own).fault.seq) == (CONNECTION_CHANGED, 11)
    alter(own, delete(AuditConnection).where(mine))
    assert verify(own).fault is None


def test_a_hidden_entry_is_not_saved_by_leaving_the_waiting_list(own):
    """Attack: taking an entry off the list of those that wait, so that it is never linked."""
    write(own, "avis.consulte")
    assert verify(own).fault is None
    alter(own, delete(AuditPending).where(AuditPending.organisation_id == own))
    assert verify(own).fault.what == UNLINKED


def test_the_signed_head_is_json_that_other_tools_verify(own):
    with tenant_session(own) as session:
        facts = orjson.loads(write_anchor(sign_head(session, AS_OF)))
    assert facts["public_key"] == public_key_text()
    signed = {name: facts[name] for name in ("version", "organisation", "day", "seq", "hash")}
    assert (signed["seq"], signed["day"], signed["organisation"]) == (10, "2026-03-03", str(own))
    message = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    signature = b64decode(facts["signature"])
    load_pem_public_key(facts["public_key"].encode()).verify(signature, message)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"version": 2}',
        b'{"version": 1, "organisation": "x", "day": "2026-03-03", "seq": 1, "hash": "", "signature": ""}',
        b'{"version": 1, "organisation": 3, "day": 4, "seq": 1, "hash": 5, "signature": 6}',
        b'{"version": 1, "organisation": "01936b2f-0000-7000-8000-000000000001", "day": "2026-03-03", "seq": true, '
        b'"hash": "00", "signature": "AA=="}',
    ],
)
def test_a_file_that_is_no_signed_head_is_refused(content):
    with pytest.raises(Refused, match="pas une empreinte"):
        read_anchor(content)


def test_the_key_lives_with_the_key_store(app, monkeypatch):
    before, store = public_key_text(), app.extensions["eprunes_key_store"]
    monkeypatch.setattr(store, "_master_key", None)  # as after a restart: read again from its file
    assert public_key_text() == before
    monkeypatch.setattr(store, "_master_key", b"\x01" * 32)
    assert public_key_text() != before


def test_a_day_is_signed_once(own):
    assert keep_head(own, AS_OF) == 1
    write(own)
    assert keep_head(own, AS_OF + timedelta(hours=1)) == 0
    assert [(seal.seq, str(seal.day)) for seal in rows_of(own, AuditSeal)] == [(10, "2026-03-03")]
    assert keep_head(own, AS_OF + timedelta(days=1)) == 1
    assert verify(own).seals == 2
