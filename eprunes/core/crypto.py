"""Sealed boxes for personal details, and the separate key store whose destroyed keys make them unreadable.

A data key (one per driver, notice or task) is wrapped by its organisation's key, itself wrapped by the master
key. The order is: key before row, row gone before key. The two stores share no transaction; keys left without
a row by a crash are destroyed later by `destroy_orphan_keys`.
"""

import hmac
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkstemp
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    any_,
    bindparam,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from eprunes.core.chunks import chunks
from eprunes.core.database import IN_BINARY, QuickUuid, UtcDateTime, engine_options, new_id

KEY_BYTES = 32
_NONCE_BYTES = 12
_VERSION = b"\x01"
_SEALED_FROM = len(_VERSION) + _NONCE_BYTES
_ORPHAN_AGE = timedelta(days=1)
_PREPARING = 20191004
PLATFORM = UUID(int=0)
"""The owner of the boxes that belong to no organisation (records to review)."""

_metadata = MetaData()
_organisation_keys = Table(
    "organisation_keys",
    _metadata,
    Column("organisation_id", QuickUuid, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)
_data_keys = Table(
    "data_keys",
    _metadata,
    Column("organisation_id", QuickUuid, primary_key=True),
    Column("id", QuickUuid, primary_key=True),
    Column("purpose", String(20), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
_by_age = Index("ix_data_keys_age", _data_keys.c.organisation_id, _data_keys.c.purpose, _data_keys.c.created_at)


_is_owned = _data_keys.c.organisation_id == bindparam("owner")


class BoxUnreadable(Exception):
    """A sealed box does not open: wrong key, wrong row, or altered bytes."""


class KeyStoreUnsafe(Exception):
    """The key store and the master key do not belong together, or the master key is missing."""


def seal(key: bytes, organisation_id: UUID, table: str, row_id: UUID, details: dict) -> bytes:
    """Seal details so that they open only with this key and only for this row."""
    return seal_bytes(key, organisation_id, table, row_id, orjson.dumps(details))


def seal_bytes(key: bytes, organisation_id: UUID, table: str, row_id: UUID, plain: bytes) -> bytes:
    """As `seal`, for the content of a file."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plain, _bound_to(organisation_id, table, row_id))


def open_box(key: bytes, organisation_id: UUID, table: str, row_id: UUID, box: bytes) -> dict:
    """Return what was sealed. Raises BoxUnreadable when the box is not this row's, or was altered."""
    return orjson.loads(open_bytes(key, organisation_id, table, row_id, box))


def box_opener(organisation_id: UUID, table: str) -> Callable[[bytes, UUID, bytes], dict]:
    """`open_box` with (key, row id, box) for thousands of rows of one table: what they share is worked out once."""
    before, after = organisation_id.bytes, table.encode()

    def open_one(key: bytes, row_id: UUID, box: bytes) -> dict:
        return orjson.loads(_opened(key, before + row_id.bytes + after, table, box))

    return open_one


def open_bytes(key: bytes, organisation_id: UUID, table: str, row_id: UUID, box: bytes) -> bytes:
    """The reverse of `seal_bytes`. Raises BoxUnreadable as `open_box` does."""
    return _opened(key, _bound_to(organisation_id, table, row_id), table, box)


def fingerprint(index_key: bytes, text: str) -> bytes:
    """A keyed fingerprint for look-ups: same text and organisation, same bytes; meaningless without the key."""
    return hmac.digest(index_key, text.encode(), "sha256")


def _opened(key: bytes, bound_to: bytes, table: str, box: bytes) -> bytes:
    if box[:1] != _VERSION:
        raise BoxUnreadable(f"{table}: unknown box version")
    try:
        return AESGCM(key).decrypt(box[1:_SEALED_FROM], box[_SEALED_FROM:], bound_to)
    except (InvalidTag, ValueError) as error:  # ValueError: cut short
        raise BoxUnreadable(f"{table}: box altered or of another row") from error


def _bound_to(organisation_id: UUID, table: str, row_id: UUID) -> bytes:
    return organisation_id.bytes + row_id.bytes + table.encode()


class KeyStore:
    """The separate database of wrapped keys. Every method is its own transaction."""

    def __init__(self, url: str, master_key_file: Path) -> None:
        self._engine: Engine = create_engine(url, **engine_options(url))
        alone = {"isolation_level": "AUTOCOMMIT"} if self._engine.dialect.name == "postgresql" else {}
        self._reader = self._engine.execution_options(read_only=True, **alone)  # one statement each, no transaction
        self._master_key_file = master_key_file
        self._master_key: bytes | None = None
        self._organisation_key_cache: dict[UUID, bytes] = {}
        self._ready = False
        self._is_among = self._among()

    def check(self) -> None:
        """Raise when the store can't be reached or its keys can't be unwrapped with the master key."""
        with self._reading() as connection:
            row = connection.execute(select(_organisation_keys).limit(1)).first()
        if row is not None:
            self._unwrap(self._master(), row.wrapped, b"organisation" + row.organisation_id.bytes)

    def create_organisation_key(self, organisation_id: UUID) -> None:
        """Make an organisation's key. Must come before its first data key."""
        key = os.urandom(KEY_BYTES)
        wrapped = self._wrap(self._master(), key, b"organisation" + organisation_id.bytes)
        with self._connect() as connection:
            connection.execute(insert(_organisation_keys).values(organisation_id=organisation_id, wrapped=wrapped))

    def create_keys(
        self, organisation_id: UUID, purpose: str, as_of: datetime, count: int = 1
    ) -> list[tuple[UUID, bytes]]:
        """Make `count` data keys and commit them; returns (key id, key) pairs."""
        if organisation_id == PLATFORM:
            self._ensure_platform_key()
        wrapper = self._organisation_key(organisation_id)
        keys = [(new_id(), os.urandom(KEY_BYTES)) for _ in range(count)]
        rows = [
            {
                "organisation_id": organisation_id,
                "id": key_id,
                "purpose": purpose,
                "created_at": as_of,
                "wrapped": self._wrap(wrapper, key, key_id.bytes),
            }
            for key_id, key in keys
        ]
        with self._connect() as connection:
            for chunk in chunks(rows):
                connection.execute(insert(_data_keys), chunk)
        return keys

    def keys(self, organisation_id: UUID, key_ids: Iterable[UUID]) -> dict[UUID, bytes]:
        """The data keys that still exist, by id; destroyed ones are absent."""
        query = select(_data_keys.c.id, _data_keys.c.wrapped).where(_is_owned, self._is_among)
        rows: list = []
        with self._reading() as connection:
            for chunk in chunks(dict.fromkeys(key_ids)):
                chosen = {"owner": organisation_id, "chosen": chunk}
                rows.extend(connection.execute(query, chosen, execution_options=IN_BINARY))
        return self._unwrapped(organisation_id, rows)

    def all_keys(self, organisation_id: UUID, purpose: str) -> dict[UUID, bytes]:
        """Every data key of one purpose: for a search that opens all boxes of an organisation."""
        query = select(_data_keys.c.id, _data_keys.c.wrapped).where(
            _data_keys.c.organisation_id == organisation_id, _data_keys.c.purpose == purpose
        )
        with self._reading() as connection:
            rows = connection.execute(query, execution_options=IN_BINARY).all()
        return self._unwrapped(organisation_id, rows)

    def keys_created_before(self, organisation_id: UUID, purpose: str, instant: datetime) -> set[UUID]:
        """Ids of keys older than an instant, to find those whose row is gone."""
        query = select(_data_keys.c.id).where(
            _data_keys.c.organisation_id == organisation_id,
            _data_keys.c.purpose == purpose,
            _data_keys.c.created_at < instant,
        )
        with self._reading() as connection:
            return set(connection.scalars(query))

    def index_key(self, organisation_id: UUID) -> bytes:
        """The organisation's key for fingerprints; derived, so that it dies with the organisation's key."""
        return hmac.digest(self._organisation_key(organisation_id), b"fingerprints", "sha256")

    def destroy_keys(self, organisation_id: UUID, key_ids: Iterable[UUID]) -> int:
        """Destroy data keys for good; returns how many were still there. Harmless when repeated."""
        gone = 0
        with self._connect() as connection:
            for chunk in chunks(key_ids):
                chosen = {"owner": organisation_id, "chosen": chunk}
                gone += connection.execute(delete(_data_keys).where(_is_owned, self._is_among), chosen).rowcount
        return gone

    def destroy_organisation(self, organisation_id: UUID) -> None:
        """Destroy an organisation's key and all its data keys for good. Harmless when repeated."""
        with self._connect() as connection:
            for table in (_data_keys, _organisation_keys):
                connection.execute(delete(table).where(table.c.organisation_id == organisation_id))
        self._organisation_key_cache.pop(organisation_id, None)

    def derived_secret(self, label: str) -> bytes:
        """A secret of the platform derived from the master key (for instance the web secret in a demo)."""
        return hmac.digest(self._master(), b"secret " + label.encode(), "sha256")

    def _among(self) -> ColumnElement[bool]:
        """One parameter on PostgreSQL, so that the statement is the same, and prepared, whatever their number."""
        if self._engine.dialect.name == "postgresql":
            return _data_keys.c.id == any_(bindparam("chosen", type_=ARRAY(Uuid())))
        return _data_keys.c.id.in_(bindparam("chosen", expanding=True))

    def _reading(self):
        self._prepare()
        return self._reader.connect()

    def _connect(self):
        self._prepare()
        return self._engine.begin()

    def _prepare(self) -> None:
        if not self._ready:
            with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":  # IF NOT EXISTS of two processes at once would clash
                    connection.execute(select(func.pg_advisory_xact_lock(_PREPARING)))
                for table in _metadata.sorted_tables:
                    connection.execute(CreateTable(table, if_not_exists=True))
                connection.execute(CreateIndex(_by_age, if_not_exists=True))
            self._ready = True

    def _ensure_platform_key(self) -> None:
        query = select(_organisation_keys.c.organisation_id).where(_organisation_keys.c.organisation_id == PLATFORM)
        with self._reading() as connection:
            if connection.scalar(query) is not None:
                return
        with suppress(IntegrityError):  # another process made it meanwhile
            self.create_organisation_key(PLATFORM)

    def _organisation_key(self, organisation_id: UUID) -> bytes:
        if organisation_id not in self._organisation_key_cache:
            query = select(_organisation_keys.c.wrapped).where(_organisation_keys.c.organisation_id == organisation_id)
            with self._reading() as connection:
                wrapped = connection.scalar(query)
            if wrapped is None:
                raise BoxUnreadable("organisation key destroyed or never made")
            key = self._unwrap(self._master(), wrapped, b"organisation" + organisation_id.bytes)
            self._organisation_key_cache[organisation_id] = key
        return self._organisation_key_cache[organisation_id]

    def _unwrapped(self, organisation_id: UUID, rows: Iterable) -> dict[UUID, bytes]:
        rows = list(rows)
        if not rows:
            return {}
        wrapper = AESGCM(self._organisation_key(organisation_id))
        return {key_id: wrapper.decrypt(wrapped[:12], wrapped[12:], key_id.bytes) for key_id, wrapped in rows}

    @staticmethod
    def _wrap(wrapper: bytes, key: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(wrapper).encrypt(nonce, key, bound_to)

    @staticmethod
    def _unwrap(wrapper: bytes, wrapped: bytes, bound_to: bytes) -> bytes:
        try:
            return AESGCM(wrapper).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound_to)
        except InvalidTag as error:
            raise KeyStoreUnsafe("La clé maîtresse n’est pas celle de ce coffre de clés.") from error

    def _master(self) -> bytes:
        if self._master_key is None:
            if not self._master_key_file.exists():
                self._create_master_key()
            self._master_key = self._read_master_key()
        return self._master_key

    def _read_master_key(self) -> bytes:
        with suppress(ValueError):
            key = bytes.fromhex(self._master_key_file.read_text().strip())
            if len(key) == KEY_BYTES:
                return key
        raise KeyStoreUnsafe(f"{self._master_key_file}\u00a0: la clé maîtresse doit être 32 octets en hexadécimal.")

    def _is_used(self) -> bool:
        if not inspect(self._engine).has_table(_organisation_keys.name):
            return False
        with self._engine.connect() as connection:
            return connection.execute(select(_organisation_keys.c.organisation_id).limit(1)).first() is not None

    def _create_master_key(self) -> None:
        """Make the master key once, for an empty store only: a lost one must never be replaced in silence."""
        if self._is_used() and not self._master_key_file.exists():  # else another process made it meanwhile
            raise KeyStoreUnsafe(f"{self._master_key_file}\u00a0: clé maîtresse absente, coffre déjà utilisé.")
        self._master_key_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = mkstemp(dir=self._master_key_file.parent, prefix=".master-")  # readable by us alone
        with os.fdopen(descriptor, "w") as file:
            file.write(os.urandom(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, self._master_key_file)
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)


def key_store() -> KeyStore:
    """The running application's key store."""
    return current_app.extensions["eprunes_key_store"]


def destroy_orphan_keys(
    organisation_id: UUID, purpose: str, as_of: datetime, read_used: Callable[[], Iterable[UUID | None]]
) -> int:
    """Destroy the keys of one purpose that no row holds, a day after they were made. Returns how many.

    A crash between the two stores leaves them. `read_used` gives the keys that rows hold by now.
    """
    old = key_store().keys_created_before(organisation_id, purpose, as_of - _ORPHAN_AGE)
    return key_store().destroy_keys(organisation_id, old.difference(read_used())) if old else 0
