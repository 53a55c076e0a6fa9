"""One-time links: 256 random bits sent by mail, kept as a hash, consumed by posting only, once."""

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from eprunes.accounts.models import OneTimeToken, TokenPurpose
from eprunes.accounts.sessions import hash_of
from eprunes.core.database import PlatformSession, TenantSession, platform_session

LASTS = {
    TokenPurpose.INVITATION: timedelta(hours=48),
    TokenPurpose.RESET: timedelta(minutes=60),
    TokenPurpose.NOT_ME: timedelta(days=7),
}


def issue(
    session: PlatformSession | TenantSession,
    purpose: TokenPurpose,
    *,
    as_of: datetime,
    identity_id: UUID | None = None,
    organisation_id: UUID | None = None,
    user_id: UUID | None = None,
    supersedes: bool = True,
) -> str:
    """Within a transaction: a new token. It voids the earlier ones of the same purpose and person if it
    `supersedes` them.
    """
    token = secrets.token_urlsafe(32)
    if supersedes:
        void(session, purpose, as_of=as_of, identity_id=identity_id, organisation_id=organisation_id, user_id=user_id)
    session.add(
        OneTimeToken(
            token_hash=hash_of(token),
            purpose=purpose,
            identity_id=identity_id,
            organisation_id=organisation_id,
            user_id=user_id,
            created_at=as_of,
            ends_at=as_of + LASTS[purpose],
        )
    )
    return token


def void(
    session: PlatformSession | TenantSession,
    purpose: TokenPurpose | None,
    *,
    as_of: datetime,
    identity_id: UUID | None = None,
    organisation_id: UUID | None = None,
    user_id: UUID | None = None,
) -> None:
    """Within a transaction: make the open tokens of a person worthless; of every purpose when it is None."""
    if identity_id is None and user_id is None:
        return
    statement = update(OneTimeToken).where(OneTimeToken.used_at.is_(None), OneTimeToken.voided_at.is_(None))
    if purpose is not None:
        statement = statement.where(OneTimeToken.purpose == purpose)
    if identity_id is not None:
        statement = statement.where(OneTimeToken.identity_id == identity_id)
    else:
        mine = OneTimeToken.organisation_id == organisation_id, OneTimeToken.user_id == user_id
        statement = statement.where(*mine)
    session.execute(statement.values(voided_at=as_of))


def find(token: str, purpose: TokenPurpose, as_of: datetime) -> OneTimeToken | None:
    """The row of a token that may still be used; reading consumes nothing."""
    with platform_session("lien à usage unique") as session:
        return session.scalar(select(OneTimeToken).where(*_usable(token, purpose, as_of)))


def use(session: PlatformSession | TenantSession, token: str, purpose: TokenPurpose, as_of: datetime) -> bool:
    """Within a transaction: consume a token; False when somebody did before, or it ended or was voided."""
    statement = update(OneTimeToken).where(*_usable(token, purpose, as_of)).values(used_at=as_of)
    return session.execute(statement).rowcount == 1


def _usable(token: str, purpose: TokenPurpose, as_of: datetime) -> tuple:
    return (
        OneTimeToken.token_hash == hash_of(token),
        OneTimeToken.purpose == purpose,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.voided_at.is_(None),
        OneTimeToken.ends_at > as_of,
    )
