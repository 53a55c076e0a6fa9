"""Operations on users and operators."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import passwords
from eprunes.accounts.models import Identity, IdentityKind, UserSession
from eprunes.accounts.services import steps
from eprunes.core import audit
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.core.refusals import Refused


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
        open_sessions = UserSession.identity_id == identity.id, UserSession.ended_at.is_(None)
        session.execute(update(UserSession).where(*open_sessions).values(ended_at=as_of))
