"""Small worlds for tests: an organisation with its people, on either database."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts import sessions
from eprunes.accounts.authors import author
from eprunes.accounts.models import (
    Handover,
    HandoverKind,
    Identity,
    IdentityKind,
    OneTimeToken,
    RecoveryCode,
    SignInEvent,
    TokenPurpose,
    User,
    UserSession,
)
from eprunes.accounts.services import clients, users
from eprunes.core import audit, audit_seals
from eprunes.core.database import platform_session, tenant_session
from eprunes.core.mail import OutgoingMail

AS_OF = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
PASSWORD = "quatre prunes mures"
SIRENS = ("732829320", "404833048", "552100554", "542065479")


@dataclass(frozen=True)
class World:
    """One organisation; `admin`, `fleet`, `fines`, `both` are the e-mail addresses of its users."""

    organisation_id: UUID
    number: str
    admin: str
    fleet: str
    fines: str
    both: str


def make_world(index: int = 0, *, vehicles: int = 100, as_of: datetime = AS_OF, zone: str = "Europe/Paris") -> World:
    """Create organisation number `index` with an administrator and three users, without passwords."""
    domain = f"client{index}.example"
    organisation_id = clients.create_organisation(
        name=f"Client {index}",
        number=SIRENS[index],
        admin_email=f"admin@{domain}",
        vehicles=vehicles,
        zone=zone,
        as_of=as_of,
    )
    for name, fleet, fines in (("parc", True, False), ("contraventions", False, True), ("deux", True, True)):
        users.create_user(
            organisation_id=organisation_id, email=f"{name}@{domain}", fleet=fleet, fines=fines, as_of=as_of
        )
    return World(
        organisation_id,
        SIRENS[index],
        f"admin@{domain}",
        f"parc@{domain}",
        f"contraventions@{domain}",
        f"deux@{domain}",
    )


def give_password(email: str, as_of: datetime = AS_OF) -> None:
    """Let this account sign in with PASSWORD."""
    users.set_password(email=email, password=PASSWORD, as_of=as_of)


def actor(email: str, as_of: datetime = AS_OF):
    """The actor behind an e-mail address, as a session would give it; a user without opening one (it takes time)."""
    with platform_session("tests") as session:
        identity = session.scalars(select(Identity).where(Identity.email == email)).one()
    if identity.user_id is None:
        return sessions.actor_for(open_session(email, as_of), as_of)
    return author(identity.organisation_id, identity.user_id, as_of)


def actor_with_session(email: str, as_of: datetime = AS_OF):
    """The same, in a freshly opened session."""
    return sessions.actor_for(open_session(email, as_of), as_of)


def open_session(email: str, as_of: datetime = AS_OF) -> str:
    """Open a session without a password (hashing is slow) and return its token.

    Who needs a second factor (administrators, operators) has one, and has given it.
    """
    with platform_session("tests") as session:
        identity = session.scalars(select(Identity).where(Identity.email == email)).one()
    token = sessions.open_session(identity, address="127.0.0.1", device="tests", as_of=as_of)
    privileged = identity.kind == IdentityKind.OPERATOR or email.startswith("admin@")
    if privileged or identity.totp_confirmed_at is not None:
        with platform_session("tests", write=True) as session:
            session.add(identity)
            identity.totp_confirmed_at = identity.totp_confirmed_at or as_of
            opened = select(UserSession).where(UserSession.token_hash == sessions.hash_of(token))
            session.scalars(opened).one().second_factor_at = as_of
    return token


def give_trace(world: World, as_of: datetime = AS_OF) -> None:
    """A row of each kind that the people of a client leave behind beside their accounts."""
    organisation_id = world.organisation_id
    with tenant_session(organisation_id, write=True, platform_reason="tests") as session:
        admin, other = session.scalars(
            select(User).where(User.organisation_id == organisation_id).order_by(User.is_administrator.desc()).limit(2)
        )
        identity = session.scalars(select(Identity).where(Identity.user_id == other.id)).one()
        session.add_all(
            [
                Handover(
                    organisation_id=organisation_id,
                    kind=HandoverKind.AGREED,
                    from_user_id=admin.id,
                    to_user_id=other.id,
                    started_by=admin.id,
                    started_at=as_of,
                    ends_at=as_of,
                ),
                OneTimeToken(
                    token_hash=other.id.bytes * 2,
                    purpose=TokenPurpose.INVITATION,
                    organisation_id=organisation_id,
                    user_id=other.id,
                    created_at=as_of,
                    ends_at=as_of,
                ),
                OneTimeToken(
                    token_hash=identity.id.bytes * 2,
                    purpose=TokenPurpose.RESET,
                    identity_id=identity.id,
                    created_at=as_of,
                    ends_at=as_of,
                ),
                RecoveryCode(identity_id=identity.id, code_hash=identity.id.bytes * 2),
                SignInEvent(at=as_of, identity_id=identity.id, outcome="reussie"),
                OutgoingMail(
                    organisation_id=organisation_id, purpose="invitation", next_attempt_at=as_of, created_at=as_of
                ),
            ]
        )
    with tenant_session(organisation_id, write=True) as session:
        audit.record(session, "connexion", as_of=as_of, connection={"address": "127.0.0.1", "device": "tests"})
    audit_seals.keep_head(organisation_id, as_of)


def take_fleet_right(world: World) -> None:
    """The user of the fleet loses that right."""
    own = User.organisation_id == world.organisation_id, User.email == world.fleet
    with tenant_session(world.organisation_id, write=True) as session:
        session.scalars(select(User).where(*own)).one().fleet_right = False
