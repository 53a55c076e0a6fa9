"""Signed heads of the chain: whoever holds one can prove later that nothing before it was cut or rewritten.

The key pair (Ed25519) is derived from the master key: it lives with the key store, and whoever has the
database alone can't sign. What is signed is the canonical JSON of version, organisation, day, place and hash.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from eprunes.core.audit_chain import canonical_json, read_head
from eprunes.core.audit_tables import AuditSeal
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, insert_absent, new_id, tenant_session
from eprunes.core.refusals import Refused

VERSION = 1
_KEY_LABEL = "audit-heads"
_UNREADABLE = "Ce fichier n’est pas une empreinte du journal."


@dataclass(frozen=True)
class SignedHead:
    """The head of one organisation's chain on a Paris day, signed."""

    organisation_id: UUID
    day: date
    seq: int
    hash: bytes
    signature: bytes

    @property
    def is_genuine(self) -> bool:
        """True when this installation signed it."""
        try:
            _private_key().public_key().verify(
                self.signature, _message(self.organisation_id, self.day, self.seq, self.hash)
            )
        except InvalidSignature:
            return False
        return True


def sign_head(session: TenantSession, as_of: datetime) -> SignedHead:
    """The head as it stands, signed."""
    head, own, day = read_head(session), session.organisation_id, paris_day(as_of)
    signature = _private_key().sign(_message(own, day, head.seq, head.hash))
    return SignedHead(own, day, head.seq, head.hash, signature)


def keep_head(organisation_id: UUID, as_of: datetime) -> int:
    """Sign the head and keep it as this Paris day's; returns 1, or 0 when the day has one already."""
    with tenant_session(organisation_id, write=True) as session:
        signed = sign_head(session, as_of)
        row = {"organisation_id": organisation_id, "id": new_id(), "day": signed.day, "seq": signed.seq}
        row |= {"hash": signed.hash, "signature": signed.signature}
        return len(insert_absent(session, AuditSeal, [row]))


def public_key_text() -> str:
    """The public key in PEM, as any tool reads it."""
    return _private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def write_anchor(signed: SignedHead) -> bytes:
    """The file that is handed out: a signed head in JSON, with the public key."""
    content = _facts(signed.organisation_id, signed.day, signed.seq, signed.hash)
    content |= {"signature": b64encode(signed.signature).decode(), "public_key": public_key_text()}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_anchor(content: bytes) -> SignedHead:
    """The signed head in a file that was handed out; whether it is genuine is another question. Raises Refused."""
    try:
        facts = orjson.loads(content)
        if facts["version"] != VERSION or type(facts["seq"]) is not int:
            raise ValueError
        return SignedHead(
            UUID(facts["organisation"]),
            date.fromisoformat(facts["day"]),
            facts["seq"],
            bytes.fromhex(facts["hash"]),
            b64decode(facts["signature"], validate=True),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(_UNREADABLE) from error


def _private_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key_store().derived_secret(_KEY_LABEL))


def _message(organisation_id: UUID, day: date, seq: int, hash_: bytes) -> bytes:
    return canonical_json(_facts(organisation_id, day, seq, hash_))


def _facts(organisation_id: UUID, day: date, seq: int, hash_: bytes) -> dict:
    return {
        "version": VERSION,
        "organisation": str(organisation_id),
        "day": day.isoformat(),
        "seq": seq,
        "hash": hash_.hex(),
    }
