"""Operations on users and operators."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import passwords, tokens
from eprunes.accounts.models import Identity, IdentityKind, TokenPurpose, User, UserState
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import steps, user_steps
from eprunes.accounts.sessions import end_sessions_of
from eprunes.core import audit
from eprunes.core.database import TenantSession, new_id, platform_session, tenant_session
from eprunes.core.refusals import Refused

RESTORABLE_FOR = timedelta(days=30)


def create_user(
    *,
    organisation_id: UUID,
    email: str,
    fleet: bool,
    fines: bool,
    display_name: str = "",
    as_of: datetime,
    actor_id: UUID | None = None,
) -> UUID:
    """Add a user with rights (C3.2-c), without a password yet. Raises Refused when the e-mail is used."""
    if not (fleet or fines):
        raise Refused("Donnez au moins un droit\u00a0: parc, contraventions ou les deux.", "rights")
    normalised, user_id = steps.normalised_email(email), new_id()
    try:
        with tenant_session(organisation_id, write=True, platform_reason="création d’un compte") as session:
            name = display_name or normalised.split("@")[0]
            steps.add_user(session, user_id, normalised, name, as_of, fleet=fleet, fines=fines, administrator=False)
            details = {"parc": fleet, "contraventions": fines}
            audit.record(
                session,
                "utilisateur.cree",
                as_of=as_of,
                actor_id=actor_id,
                subject=("utilisateur", user_id),
                details=details,
            )
    except IntegrityError as error:
        raise steps.taken(error) from error
    return user_id


def create_operator(*, email: str, as_of: datetime) -> UUID:
    """Add an operator of the provider: an account without organisation. Raises Refused when used."""
    identity = Identity(id=new_id(), email=steps.normalised_email(email), kind=IdentityKind.OPERATOR, created_at=as_of)
    try:
        with platform_session("création d’un exploitant", write=True) as session:
            session.add(identity)
    except IntegrityError as error:
        raise steps.taken(error) from error
    return identity.id


def set_password(*, email: str, password: str, as_of: datetime) -> None:
    """Set an account's password and end its open sessions. Raises Refused on a weak one or no account."""
    try:
        password_hash = passwords.hash_password(password)
    except passwords.PasswordRefused as error:
        raise Refused(str(error), "password") from error
    normalised = steps.normalised_email(email)
    with platform_session("mot de passe posé par l’exploitant", write=True) as session:
        identity = session.scalar(select(Identity).where(Identity.email == normalised))
        if identity is None:
            raise Refused(f"Aucun compte pour {normalised}.", "email")
        identity.password_hash = password_hash
        end_sessions_of(session, identity.id, as_of)
        tokens.void(session, TokenPurpose.RESET, as_of=as_of, identity_id=identity.id)


def change_rights(actor: Actor, user_id: UUID, fleet: bool, fines: bool, as_of: datetime) -> None:
    """Set a user's rights (C3.2-c). Their sessions end, so that nothing of the old rights stays open.

    An invited person gets the rights of the moment they accept. Raises Refused for the administrator, for a
    deleted user, and when no right is left.
    """
    user_steps.check_rights(fleet, fines)
    with tenant_session(actor.organisation_id, write=True, platform_reason="droits d’un utilisateur") as session:
        organisation = user_steps.lock_for(session, actor)
        user = _other_user(session, user_id, UserState.INVITED, UserState.ACTIVE, UserState.SUSPENDED)
        if (user.fleet_right, user.fines_right) == (fleet, fines):
            return
        user.fleet_right, user.fines_right = fleet, fines
        user_steps.end_sessions(session, user_id, as_of)
        if user.state == UserState.ACTIVE:
            told = {"organisation_name": organisation.name, "fleet": fleet, "fines": fines}
            user_steps.tell(session, user, "rights_changed", as_of, **told)
        user_steps.trace(session, "utilisateur.droits", actor.user_id, user_id, as_of, parc=fleet, contraventions=fines)


def suspend_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Keep a user out until reactivated. Raises Refused for the administrator and for who is not active."""
    with _changing(actor, "suspension d’un compte") as session:
        user = _other_user(session, user_id, UserState.ACTIVE)
        user.state = UserState.SUSPENDED
        user_steps.shut_out(session, user_id, as_of)
        user_steps.trace(session, "utilisateur.suspendu", actor.user_id, user_id, as_of)


def reactivate_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Let a suspended user in again, with the password they had."""
    with _changing(actor, "réactivation d’un compte") as session:
        user = _other_user(session, user_id, UserState.SUSPENDED)
        user.state = UserState.ACTIVE
        user_steps.trace(session, "utilisateur.reactive", actor.user_id, user_id, as_of)


def delete_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Close a user's account (C3.2-a): it can be restored for 30 days, then nothing of it is left.

    Raises Refused for the administrator, and for an invited person, whose invitation is taken back instead.
    """
    with _changing(actor, "suppression d’un compte") as session:
        user = _other_user(session, user_id, UserState.ACTIVE, UserState.SUSPENDED)
        user.state, user.deleted_at = UserState.DELETED, as_of
        user_steps.shut_out(session, user_id, as_of)
        user_steps.trace(session, "utilisateur.supprime", actor.user_id, user_id, as_of)


def restore_user(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Give a deleted user their account back, rights and password as they were. Raises Refused after 30 days."""
    with _changing(actor, "restauration d’un compte") as session:
        user = _other_user(session, user_id, UserState.DELETED)
        if as_of >= user.deleted_at + RESTORABLE_FOR:
            raise Refused("Les trente jours sont passés\u00a0: ce compte ne peut plus être restauré.")
        user.state, user.deleted_at = UserState.ACTIVE, None
        user_steps.trace(session, "utilisateur.restaure", actor.user_id, user_id, as_of)


@contextmanager
def _changing(actor: Actor, reason: str) -> Iterator[TenantSession]:
    with tenant_session(actor.organisation_id, write=True, platform_reason=reason) as session:
        user_steps.lock_for(session, actor)
        yield session


def _other_user(session: TenantSession, user_id: UUID, *states: UserState) -> User:
    """A user in one of these states, never the administrator: that account goes only by a hand-over."""
    user = user_steps.find(session, user_id)
    if user.is_administrator:
        raise Refused("C’est le compte administrateur\u00a0: passez-le d’abord à un autre utilisateur.")
    if user.state not in states:
        raise Refused("L’état de ce compte a changé\u00a0: relisez sa fiche.")
    return user
