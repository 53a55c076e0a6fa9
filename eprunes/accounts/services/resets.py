"""« Mot de passe oublié ? » (C3.3-c): a link by mail, for an hour, that lets its reader choose a password, once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from eprunes.accounts import passwords, throttling, tokens
from eprunes.accounts.models import (
    Identity,
    IdentityKind,
    Organisation,
    OrganisationState,
    TokenPurpose,
    User,
    UserState,
)
from eprunes.accounts.services import account_steps, signing_in
from eprunes.accounts.sessions import end_sessions_of
from eprunes.accounts.throttling import Attempt, network_of
from eprunes.core import audit, mail
from eprunes.core.database import PlatformSession, TenantSession, platform_session, tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.texts import tidy_line

_NOBODY = UUID(int=0)
_WORTHLESS = "Ce lien ne fonctionne plus\u00a0: il a déjà servi, ou son délai est passé. Demandez-en un autre."


@dataclass(frozen=True)
class Owner:
    """Who may choose a password: the account, and what others know of its holder."""

    identity: Identity
    known: tuple[str, ...]


def ask(*, email: str, address: str, as_of: datetime) -> None:
    """Send a link to choose a new password, if the address has an account that may be used.

    What is done, and the time it takes, is the same for every address: to some nothing is delivered. Raises
    Refused when asked too often.
    """
    normalised = tidy_line(email).lower()
    throttling.take_each(_attempts(normalised, tidy_line(address)), as_of)
    with platform_session("mot de passe oublié") as session:
        identity = session.scalar(select(Identity).where(Identity.email == normalised))
    owner = _owner(identity, as_of)
    with platform_session("mot de passe oublié", write=True) as session:
        if owner is None:
            tokens.void(session, TokenPurpose.RESET, as_of=as_of, identity_id=_NOBODY)  # as long as for somebody
        identity_id, organisation_id = (owner.identity.id, owner.identity.organisation_id) if owner else (None, None)
        token = tokens.issue(session, TokenPurpose.RESET, as_of=as_of, identity_id=identity_id)
        mail.queue(
            session,
            "reset",
            to=normalised,
            as_of=as_of,
            organisation_id=organisation_id,
            deliver=owner is not None,
            link=mail.link_to(f"/mot-de-passe/{token}"),
        )


def owner_of(token: str, as_of: datetime) -> Owner | None:
    """Whose password a link lets choose; None when it is worth nothing, whatever the reason. Consumes nothing."""
    link = tokens.find(token, TokenPurpose.RESET, as_of)
    if link is None or link.identity_id is None:
        return None
    with platform_session("lien de réinitialisation") as session:
        identity = session.scalar(select(Identity).where(Identity.id == link.identity_id))
    return _owner(identity, as_of)


def choose_password(*, token: str, password: str, address: str, as_of: datetime) -> None:
    """Set the password that the reader of a link chose, once; all sessions end, the owner is told by mail.

    Raises Refused when the link is worth nothing any more, the password does not meet the rules, or it is the one
    that was blocked with the account. Nobody is signed in by it: the second factor stays to be given.
    """
    owner = owner_of(token, as_of)
    if owner is None:
        raise Refused(_WORTHLESS)
    try:
        password_hash = passwords.hash_password(password, owner.known)
    except passwords.PasswordRefused as error:
        raise Refused(str(error), "password") from error
    identity = owner.identity
    if passwords.is_the_locked_one(identity.password_hash, password):
        raise Refused("Choisissez un mot de passe différent de celui qui a été bloqué.", "password")
    with account_steps.at_account(identity.organisation_id, "mot de passe choisi") as session:
        by_link = update(Identity).where(Identity.id == identity.id, Identity.blocked_at.is_(None))
        is_set = session.execute(by_link.values(password_hash=password_hash)).rowcount == 1
        if not is_set or not tokens.use(session, token, TokenPurpose.RESET, as_of):
            raise Refused(_WORTHLESS)
        end_sessions_of(session, identity.id, as_of)
        tokens.void(session, TokenPurpose.RESET, as_of=as_of, identity_id=identity.id)
        throttling.forget(session, signing_in.attempts_on(identity.email, address))
        _tell(session, identity, as_of)


def _attempts(email: str, address: str) -> list[Attempt]:
    return [
        Attempt("oubli", (email,), throttling.MAILBOX),
        Attempt("oubli adresse", (network_of(address),), throttling.ADDRESS),
    ]


def _owner(identity: Identity | None, as_of: datetime) -> Owner | None:
    """The account, if its holder may sign in at all; as many statements whoever is asked about."""
    organisation_id, user_id = (identity.organisation_id, identity.user_id) if identity else (None, None)
    query = (
        select(User, Organisation)
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(User.organisation_id == (organisation_id or _NOBODY), User.id == (user_id or _NOBODY))
    )
    with tenant_session(organisation_id or _NOBODY, platform_reason="titulaire d’un compte") as session:
        row = session.execute(query).first()
    if identity is None or identity.blocked_at is not None:
        return None
    if identity.kind == IdentityKind.OPERATOR:
        return Owner(identity, (identity.email,))
    if row is None or not _may_enter(row.User, row.Organisation, as_of):
        return None
    return Owner(identity, (identity.email, row.User.display_name, row.Organisation.name))


def _may_enter(user: User, organisation: Organisation, as_of: datetime) -> bool:
    shut = organisation.state == OrganisationState.SUSPENDED and not user.is_administrator
    return user.state == UserState.ACTIVE and not organisation.is_over(as_of) and not shut


def _tell(session: PlatformSession | TenantSession, identity: Identity, as_of: datetime) -> None:
    if isinstance(session, TenantSession):
        subject = ("utilisateur", identity.user_id)
        audit.record(session, "mot_de_passe.reinitialise", as_of=as_of, actor_id=identity.user_id, subject=subject)
    account_steps.tell_owner(session, identity, "password_reset", as_of)
