"""Sealed boxes and the key store: a box opens with its key, for its row, and never again once the key is gone."""

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from eprunes.core.config import _driver_named
from eprunes.core.crypto import (
    KEY_BYTES,
    PLATFORM,
    BoxUnreadable,
    KeyStore,
    KeyStoreUnsafe,
    box_opener,
    fingerprint,
    key_store,
    open_box,
    seal,
)
from eprunes.core.database import new_id
from tests.support import postgresql
from tests.support.worlds import AS_OF

DETAILS = {"nom": "Zoé Lefèvre", "points": 3, "adresse": None}
KEY = bytes(range(KEY_BYTES))
OWNER, ROW = new_id(), new_id()
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def store(app) -> KeyStore:
    return key_store()


@pytest.fixture
def owner(store):
    organisation_id = new_id()
    store.create_organisation_key(organisation_id)
    return organisation_id


@pytest.fixture
def small_store(tmp_path):
    """A function that opens the same SQLite key store, as another process would, with a master key file."""
    opened = []

    def open_store(master_key: str = "master.key") -> KeyStore:
        opened.append(KeyStore(f"sqlite:///{tmp_path}/keys.sqlite", tmp_path / master_key))
        return opened[-1]

    yield open_store
    for store in opened:
        store._engine.dispose()


def test_a_box_gives_back_what_was_sealed_and_shows_none_of_it():
    box = seal(KEY, OWNER, "drivers", ROW, DETAILS)
    assert open_box(KEY, OWNER, "drivers", ROW, box) == box_opener(OWNER, "drivers")(KEY, ROW, box) == DETAILS
    assert "Lefèvre".encode() not in box


def test_the_same_details_never_give_the_same_box_twice():
    assert seal(KEY, OWNER, "drivers", ROW, DETAILS) != seal(KEY, OWNER, "drivers", ROW, DETAILS)


@pytest.mark.parametrize(
    ("key", "owner", "table", "row"),
    [
        (KEY[::-1], OWNER, "drivers", ROW),
        (KEY, new_id(), "drivers", ROW),
        (KEY, OWNER, "notices", ROW),
        (KEY, OWNER, "drivers", new_id()),
        (KEY, ROW, "drivers", OWNER),
    ],
    ids=["key", "organisation", "table", "row", "organisation and row exchanged"],
)
def test_a_box_opens_only_with_its_key_and_for_its_row(key, owner, table, row):
    box = seal(KEY, OWNER, "drivers", ROW, DETAILS)
    with pytest.raises(BoxUnreadable):
        open_box(key, owner, table, row, box)
    with pytest.raises(BoxUnreadable):
        box_opener(owner, table)(key, row, box)


def test_a_box_with_any_byte_altered_does_not_open():
    box = seal(KEY, OWNER, "drivers", ROW, {"nom": "A"})
    for position in range(len(box)):
        altered = bytearray(box)
        altered[position] ^= 1
        with pytest.raises(BoxUnreadable):
            open_box(KEY, OWNER, "drivers", ROW, bytes(altered))


@pytest.mark.parametrize("length", [0, 1, 5, 13, 20])
def test_a_box_cut_short_does_not_open(length):
    box = seal(KEY, OWNER, "drivers", ROW, DETAILS)
    with pytest.raises(BoxUnreadable):
        open_box(KEY, OWNER, "drivers", ROW, box[:length])


def test_keys_come_back_by_their_id_and_only_to_their_organisation(store, owner):
    created = dict(store.create_keys(owner, "conducteur", AS_OF, 1200))
    assert store.keys(owner, created) == created
    assert store.all_keys(owner, "conducteur") == created
    assert store.all_keys(owner, "avis") == {}
    other = new_id()
    store.create_organisation_key(other)
    assert store.keys(other, created) == {}


def test_a_destroyed_key_is_gone_and_the_others_stay(store, owner):
    (first, first_key), (second, _) = store.create_keys(owner, "avis", AS_OF, 2)
    box = seal(first_key, owner, "notices", ROW, DETAILS)
    assert store.destroy_keys(owner, [first]) == 1
    assert store.destroy_keys(owner, [first]) == 0
    remaining = store.keys(owner, [first, second])
    assert set(remaining) == {second}
    with pytest.raises(BoxUnreadable):
        open_box(remaining[second], owner, "notices", ROW, box)


def test_a_key_is_not_destroyed_for_another_organisation(store, owner):
    [(key_id, _)] = store.create_keys(owner, "avis", AS_OF)
    assert store.destroy_keys(new_id(), [key_id]) == 0
    assert key_id in store.keys(owner, [key_id])


def test_a_destroyed_organisation_opens_nothing_any_more(store, owner):
    [(key_id, _)] = store.create_keys(owner, "avis", AS_OF)
    store.destroy_organisation(owner)
    store.destroy_organisation(owner)
    assert store.keys(owner, [key_id]) == {}
    with pytest.raises(BoxUnreadable):
        store.index_key(owner)
    with pytest.raises(BoxUnreadable):
        store.create_keys(owner, "avis", AS_OF)


def test_an_organisation_has_one_key_for_ever(store, owner):
    with pytest.raises(IntegrityError):
        store.create_organisation_key(owner)


def test_keys_are_found_by_age_and_purpose(store, owner):
    [(old, _)] = store.create_keys(owner, "avis", AS_OF)
    [(young, _)] = store.create_keys(owner, "avis", AS_OF + MOMENT)
    store.create_keys(owner, "conducteur", AS_OF)
    assert store.keys_created_before(owner, "avis", AS_OF) == set()
    assert store.keys_created_before(owner, "avis", AS_OF + MOMENT) == {old}
    assert store.keys_created_before(owner, "avis", AS_OF + 2 * MOMENT) == {old, young}


def test_the_platform_has_boxes_of_its_own(store):
    [(key_id, key)] = store.create_keys(PLATFORM, "examen", AS_OF)
    assert store.keys(PLATFORM, [key_id]) == {key_id: key}


def test_fingerprints_differ_between_organisations_and_not_between_calls(store, owner):
    other = new_id()
    store.create_organisation_key(other)
    index_key = store.index_key(owner)
    assert fingerprint(index_key, "AB123CD") == fingerprint(store.index_key(owner), "AB123CD")
    assert fingerprint(index_key, "AB123CD") != fingerprint(store.index_key(other), "AB123CD")
    assert fingerprint(index_key, "AB123CD") != fingerprint(index_key, "AB123CE")


def test_no_key_is_written_in_clear(small_store, tmp_path):
    store = small_store()
    store.create_organisation_key(OWNER)
    [(_, key)] = store.create_keys(OWNER, "avis", AS_OF)
    bytes_on_disk = b"".join(path.read_bytes() for path in tmp_path.glob("keys.sqlite*"))
    master = bytes.fromhex((tmp_path / "master.key").read_text())
    assert key not in bytes_on_disk
    assert master not in bytes_on_disk
    assert store._organisation_key(OWNER) not in bytes_on_disk


def test_the_master_key_is_made_once_and_readable_by_its_owner_alone(small_store, tmp_path):
    secret = small_store().derived_secret("web")
    assert small_store().derived_secret("web") == secret
    assert small_store().derived_secret("autre") != secret
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert {path.name for path in Path(tmp_path).iterdir() if "keys" not in path.name} == {"master.key"}


def test_another_process_reads_the_same_keys(small_store):
    small_store().create_organisation_key(OWNER)
    [(key_id, key)] = small_store().create_keys(OWNER, "avis", AS_OF)
    assert small_store().keys(OWNER, [key_id]) == {key_id: key}
    small_store().check()


def test_a_wrong_master_key_is_refused(small_store):
    small_store().create_organisation_key(OWNER)
    wrong = small_store("other.key")
    wrong._master_key_file.write_text(KEY.hex())
    with pytest.raises(KeyStoreUnsafe, match="pas celle de ce coffre"):
        wrong.check()
    with pytest.raises(KeyStoreUnsafe, match="pas celle de ce coffre"):
        wrong.create_keys(OWNER, "avis", AS_OF)


def test_a_lost_master_key_is_never_replaced_in_silence(small_store, tmp_path):
    small_store().create_organisation_key(OWNER)
    (tmp_path / "master.key").unlink()
    with pytest.raises(KeyStoreUnsafe, match="clé maîtresse absente, coffre déjà utilisé"):
        small_store().derived_secret("web")
    with pytest.raises(KeyStoreUnsafe):
        small_store().check()
    assert not (tmp_path / "master.key").exists()


@pytest.mark.parametrize("content", ["", "abcd", "pas une clé", KEY.hex() + "00"])
def test_a_malformed_master_key_is_refused(small_store, tmp_path, content):
    (tmp_path / "master.key").write_text(content)
    with pytest.raises(KeyStoreUnsafe, match="32 octets"):
        small_store().derived_secret("web")


@pytest.mark.parametrize("installation", ["postgresql"], indirect=True)
def test_processes_that_start_at_once_on_an_empty_postgresql_store_all_succeed(environ, postgresql_socket, tmp_path):
    url = postgresql.create_database(postgresql_socket, f"empty_{new_id().hex}")
    stores = [KeyStore(_driver_named(url), tmp_path / "master.key") for _ in range(8)]
    try:
        with ThreadPoolExecutor(len(stores)) as pool:
            assert len(set(pool.map(_start, stores))) == 1
    finally:
        for store in stores:
            store._engine.dispose()


def _start(store: KeyStore) -> bytes:
    store.check()
    [(key_id, key)] = store.create_keys(PLATFORM, "examen", AS_OF)
    assert store.keys(PLATFORM, [key_id]) == {key_id: key}
    return store.derived_secret("web")
