"""The sealed box of an account's TOTP secrets: the one in force, and the one that is being set up.

Every change seals a new box under a new key of the platform; the caller destroys the old key once the row let it go.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from eprunes.accounts.models import Identity
from eprunes.core.crypto import PLATFORM, key_store, open_box, seal

KEY_PURPOSE = "totp"
TABLE = "identities"


@dataclass(frozen=True)
class Secrets:
    """`in_force` checks codes; `proposed` is shown to the session `proposed_in` until a first code confirms it."""

    in_force: str | None = None
    proposed: str | None = None
    proposed_in: str | None = None


def seal_secrets(identity_id: UUID, secrets: Secrets, as_of: datetime) -> tuple[UUID, bytes]:
    """A box under a key made for it: (key id, box). To be called before the row is written."""
    [(key_id, key)] = key_store().create_keys(PLATFORM, KEY_PURPOSE, as_of)
    return key_id, seal(key, PLATFORM, TABLE, identity_id, asdict(secrets))


def secrets_of(identity: Identity) -> Secrets:
    """What an account's box holds; nothing when there is none, or when its key was destroyed."""
    if identity.totp_box is None:
        return Secrets()
    key = key_store().keys(PLATFORM, [identity.totp_key_id]).get(identity.totp_key_id)
    return Secrets(**open_box(key, PLATFORM, TABLE, identity.id, identity.totp_box)) if key else Secrets()


def destroy(key_id: UUID | None) -> None:
    """Destroy the key of a box that no row holds any more."""
    if key_id is not None:
        key_store().destroy_keys(PLATFORM, [key_id])
