"""Blocking an account at once on a report of loss, theft or misuse (C3.3-d), and letting it in again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select, update

from eprunes.accounts import passwords, tokens
from eprunes.accounts.models import Identity, IdentityKind, TokenPurpose, User, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import account_steps, user_steps
from eprunes.accounts.sessions import end_sessions_of
from eprunes.core import audit, mail
from eprunes.core.audit import ActorKind
from eprunes.core.calendar import PARIS
from eprunes.core.database import PlatformSession, TenantSession, platform_session, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.wording import instant

_REASON = "blocage d’un compte"


class Blocker(StrEnum):
    """Who had an account blocked; what the provider blocked, the administrator does not open."""

    OWNER = "titulaire"
    ADMINISTRATOR = "administrateur"
    OPERATOR = "exploitant"


class Role(StrEnum):
    """Whose account it is, which decides who may open it again."""

    USER = "utilisateur"
    ADMINISTRATOR = "administrateur"
    OPERATOR = "exploitant"


@dataclass(frozen=True)
class Owner:
    """Whose account a link blocks."""

    identity: Identity
    role: Role


def block_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """The administrator blocks the account of one of the client's users: no sign-in, no reset, no session.

    Who finds the device may find the password in it: once unblocked, the person chooses another. Raises
    NotVisible for anybody else's user, Refused for oneself. Harmless when repeated.
    """
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        user_steps.lock_for(session, actor)
        identity = _account_of(session, user_id)
        if user_id == actor.user_id:
            raise Refused("Votre propre compte se bloque par le lien «\u00a0Ce n’est pas moi\u00a0» ou l’exploitant.")
        if _shut(session, identity, Blocker.ADMINISTRATOR, as_of):
            _trace(session, identity, "compte.bloque", as_of, Blocker.ADMINISTRATOR, actor.user_id)
            _tell_blocked(session, identity, Blocker.ADMINISTRATOR, as_of)


def unblock_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """The administrator lets a user in again, who has to choose a new password by « Mot de passe oublié ? ».

    Raises NotVisible as `block_user` does, Refused when the provider blocked the account, or nobody did.
    """
    with tenant_session(actor.organisation_id, write=True, platform_reason=_REASON) as session:
        user_steps.lock_for(session, actor)
        identity = _account_of(session, user_id)
        if identity.blocked_by == Blocker.OPERATOR:
            raise Refused("Ce compte a été bloqué par l’exploitant\u00a0: lui seul peut le débloquer.")
        _open(session, identity, as_of)
        _trace(session, identity, "compte.debloque", as_of, Blocker.ADMINISTRATOR, actor.user_id)


def block_account(actor: Actor, identity_id: UUID, as_of: datetime, reason: str = "") -> None:
    """An operator blocks any account, of a user or of another operator, for a reason that the client reads.

    Raises NotVisible when there is none, Refused for one's own.
    """
    if identity_id == actor.identity_id:
        raise Refused("Vous ne pouvez pas bloquer votre propre compte.")
    with _at_account(identity_id) as (session, identity):
        if _shut(session, identity, Blocker.OPERATOR, as_of):
            _trace(session, identity, "compte.bloque", as_of, Blocker.OPERATOR, actor.identity_id, reason)
            _tell_blocked(session, identity, Blocker.OPERATOR, as_of)


def unblock_account(actor: Actor, identity_id: UUID, as_of: datetime, reason: str = "") -> None:
    """An operator lets an account in again, whoever had it blocked, for a reason that the client reads.

    Raises NotVisible when there is none, Refused when it is not blocked.
    """
    with _at_account(identity_id) as (session, identity):
        _open(session, identity, as_of)
        _trace(session, identity, "compte.debloque", as_of, Blocker.OPERATOR, actor.identity_id, reason)


def owner_of_link(token: str, as_of: datetime) -> Owner | None:
    """Whose account a link « Ce n’est pas moi » blocks; None when it is worth nothing. Reading consumes nothing."""
    link = tokens.find(token, TokenPurpose.NOT_ME, as_of)
    if link is None:
        return None
    with platform_session("lien «\u00a0Ce n’est pas moi\u00a0»") as session:
        identity = session.scalars(select(Identity).where(Identity.id == link.identity_id)).one()
    if identity.organisation_id is None:
        return Owner(identity, Role.OPERATOR)
    with tenant_session(identity.organisation_id) as session:
        return Owner(identity, _role_of(session, identity))


def not_me(token: str, as_of: datetime) -> Role:
    """Whoever got the mail of a sign-in says that it was not them: their account is blocked.

    Whoever may open it again is told by mail: the administrator, or the provider's operators when the account is
    the administrator's or an operator's. Says whose it is. Raises Refused when the link is worth nothing.
    """
    owner = owner_of_link(token, as_of)
    if owner is None:
        raise Refused("Ce lien ne fonctionne plus.")
    with _at_account(owner.identity.id) as (session, identity):
        if not tokens.use(session, token, TokenPurpose.NOT_ME, as_of):
            raise Refused("Ce lien ne fonctionne plus.")
        if _shut(session, identity, Blocker.OWNER, as_of):
            _trace(session, identity, "compte.bloque", as_of, Blocker.OWNER, identity.user_id)
            _tell_blocked(session, identity, Blocker.OWNER, as_of)
        return _role_of(session, identity)


def _shut(session: PlatformSession | TenantSession, identity: Identity, by: Blocker, as_of: datetime) -> bool:
    """Block, unless it is done; what the provider adds to an earlier block counts. Sessions and links end anyway."""
    kept = passwords.locked(identity.password_hash)
    values = {"blocked_at": identity.blocked_at or as_of, "blocked_by": by, "password_hash": kept}
    not_yet = Identity.blocked_at.is_(None)
    if by == Blocker.OPERATOR:
        not_yet = not_yet | (Identity.blocked_by != by)
    shut = update(Identity).where(Identity.id == identity.id, not_yet).values(**values)
    is_new = session.execute(shut).rowcount == 1
    end_sessions_of(session, identity.id, as_of)
    tokens.void(session, None, as_of=as_of, identity_id=identity.id)
    if isinstance(session, TenantSession):
        user_steps.shut_out(session, identity.user_id, as_of)
    return is_new


def _open(session: PlatformSession | TenantSession, identity: Identity, as_of: datetime) -> None:
    """Unblock, and tell the person, if there is nothing else that keeps them out."""
    blocked = update(Identity).where(Identity.id == identity.id, Identity.blocked_at.is_not(None))
    if session.execute(blocked.values(blocked_at=None, blocked_by=None)).rowcount != 1:
        raise Refused("Ce compte n’est pas bloqué.")
    user = _user_of(session, identity)
    if user is None or user.state == UserState.ACTIVE:
        link = mail.link_to("/mot-de-passe-oublie")
        account_steps.tell_owner(session, identity, "account_unblocked", as_of, link=link)


@contextmanager
def _at_account(identity_id: UUID) -> Iterator[tuple[PlatformSession | TenantSession, Identity]]:
    """A writing session for an account, its client locked when it has one."""
    with platform_session(_REASON) as session:
        organisation_id = session.scalar(select(Identity.organisation_id).where(Identity.id == identity_id))
    with account_steps.at_account(organisation_id, _REASON) as session:
        if isinstance(session, TenantSession):
            user_steps.lock(session)
        yield session, _locked(session, identity_id)


def _locked(session: PlatformSession | TenantSession, identity_id: UUID) -> Identity:
    """The account, before any of its links: whoever changes it takes both in this order."""
    query = select(Identity).where(Identity.id == identity_id).with_for_update()
    identity = session.scalar(query.execution_options(populate_existing=True))
    if identity is None:
        raise NotVisible
    return identity


def _account_of(session: TenantSession, user_id: UUID) -> Identity:
    user = user_steps.find(session, user_id)
    identity = user_steps.identity_of(session, user_id)
    if identity is None or user.state == UserState.DELETED:
        raise Refused("Cette personne n’a pas de compte à bloquer\u00a0: relisez sa fiche.")
    return _locked(session, identity.id)


def _user_of(session: PlatformSession | TenantSession, identity: Identity) -> User | None:
    """The user whose account it is; None for an operator's."""
    return user_steps.find(session, identity.user_id) if isinstance(session, TenantSession) else None


def _role_of(session: PlatformSession | TenantSession, identity: Identity) -> Role:
    user = _user_of(session, identity)
    if user is None:
        return Role.OPERATOR
    return Role.ADMINISTRATOR if user.is_administrator else Role.USER


def _tell_blocked(session: PlatformSession | TenantSession, identity: Identity, by: Blocker, as_of: datetime) -> None:
    """Queue a mail to whoever may open the account again, and to its holder, unless they did it themselves and know.

    A deleted user is told nothing: the account is closed to them anyway.
    """
    user, role = _user_of(session, identity), _role_of(session, identity)
    if role != Role.USER:
        _tell_operators(session, identity, role, by, as_of)
    elif by == Blocker.OWNER:
        told = {"name": user.display_name, "email": user.email, "when": instant(as_of, PARIS)}
        user_steps.tell(session, user_steps.holder(session), "blocked", as_of, **told)
    is_gone = user is not None and user.state == UserState.DELETED
    if not is_gone and (by != Blocker.OWNER or role != Role.USER):
        by_provider = by == Blocker.OPERATOR or role != Role.USER
        account_steps.tell_owner(session, identity, "account_blocked", as_of, by=str(by), by_provider=by_provider)


def _tell_operators(
    session: PlatformSession | TenantSession,
    identity: Identity,
    role: Role,
    by: Blocker,
    as_of: datetime,
) -> None:
    """One mail to each operator who may sign in, for the account that they alone open."""
    others = Identity.kind == IdentityKind.OPERATOR, Identity.blocked_at.is_(None), Identity.id != identity.id
    told = {
        "email": identity.email,
        "role": str(role),
        "by": str(by),
        "when": instant(as_of, PARIS),
        "link": mail.link_to(f"/exploitation/comptes/{identity.id}"),
    }
    for address in session.scalars(select(Identity.email).where(*others).order_by(Identity.email)):
        to = {"to": address, "organisation_id": identity.organisation_id}
        mail.queue(session, "privileged_account_blocked", as_of=as_of, **to, **told)


def _trace(
    session: PlatformSession | TenantSession,
    identity: Identity,
    action: str,
    as_of: datetime,
    by: Blocker,
    actor_id: UUID,
    reason: str = "",
) -> None:
    """Leave it in the client's journal; operators have none, their account shows it."""
    if not isinstance(session, TenantSession):
        return
    audit.record(
        session,
        action,
        as_of=as_of,
        actor_id=actor_id,
        actor_kind=ActorKind.OPERATOR if by == Blocker.OPERATOR else ActorKind.USER,
        subject=("utilisateur", identity.user_id),
        details={"par": str(by)} | ({"motif": reason} if reason else {}),
    )
