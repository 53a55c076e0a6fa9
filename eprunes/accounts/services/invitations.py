"""Operations on invitations: the administrator invites, the invited person chooses the password (C3.3-a)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, func, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import passwords, throttling, tokens
from eprunes.accounts.models import (
    Identity,
    IdentityKind,
    OneTimeToken,
    OrderForm,
    Organisation,
    OrganisationState,
    TokenPurpose,
    User,
    UserState,
)
from eprunes.accounts.permissions import Actor, Right, effective_rights
from eprunes.accounts.services import steps, user_steps
from eprunes.accounts.throttling import Attempt
from eprunes.accounts.tools import tools_on
from eprunes.core import mail
from eprunes.core.calendar import paris_day
from eprunes.core.database import TenantSession, new_id, tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.core.wording import instant_and_zone

PER_DAY = 50
BETWEEN_TWO = timedelta(minutes=1)


@dataclass(frozen=True)
class Invitation:
    """What an invited person is told before choosing a password."""

    organisation_name: str
    email: str
    display_name: str
    fleet: bool
    fines: bool


def invite(actor: Actor, email: str, display_name: str, fleet: bool, fines: bool, as_of: datetime) -> UUID:
    """Invite a person with rights (C3.2-a); they get a link that opens once, for 48 hours.

    Raises Refused when the client has a user with this address. An address used elsewhere on the platform is
    treated like any other, and its owner told by mail: nobody learns here where people have accounts (C3.2-b). A
    mailbox that got too many of these mails gets none for a while, which nobody learns either.
    """
    normalised, name = steps.normalised_email(email), user_steps.checked_name(display_name)
    user_steps.check_rights(fleet, fines)
    user = User(
        organisation_id=actor.organisation_id,
        id=new_id(),
        email=normalised,
        display_name=name,
        fleet_right=fleet,
        fines_right=fines,
        state=UserState.INVITED,
        created_at=as_of,
    )
    with tenant_session(actor.organisation_id, write=True, platform_reason="invitation") as session:
        organisation = user_steps.lock_for(session, actor)
        _refuse_own_address(session, normalised)
        _refuse_too_many(session, as_of)
        session.add(user)
        session.flush()
        _send(session, organisation, user, as_of)
        details = {"parc": fleet, "contraventions": fines}
        user_steps.trace(session, "invitation.envoyee", actor.user_id, user.id, as_of, **details)
    return user.id


def resend(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Send an invited person a new link for 48 hours; the one before is void. Raises Refused when too soon."""
    with tenant_session(actor.organisation_id, write=True, platform_reason="invitation") as session:
        organisation = user_steps.lock_for(session, actor)
        user = _invited(session, user_id)
        _refuse_too_soon(session, user_id, as_of)
        _refuse_too_many(session, as_of)
        _send(session, organisation, user, as_of)
        user_steps.trace(session, "invitation.renvoyee", actor.user_id, user_id, as_of)


def revoke(actor: Actor, user_id: UUID, as_of: datetime) -> None:
    """Take an invitation back: its link is void, and the address free again."""
    with tenant_session(actor.organisation_id, write=True, platform_reason="invitation") as session:
        user_steps.lock_for(session, actor)
        user = _invited(session, user_id)
        user_steps.shut_out(session, user_id, as_of)
        session.execute(delete(User).where(User.organisation_id == session.organisation_id, User.id == user.id))
        user_steps.trace(session, "invitation.annulee", actor.user_id, user_id, as_of)


def read(token: str, as_of: datetime) -> Invitation | None:
    """What a link opens; None when it is worth nothing, whatever the reason. Reading consumes nothing."""
    link = tokens.find(token, TokenPurpose.INVITATION, as_of)
    if link is None:
        return None
    with tenant_session(link.organisation_id, platform_reason="lecture d’une invitation") as session:
        organisation = session.scalars(select(Organisation).where(Organisation.id == link.organisation_id)).one()
        user = _welcome(session, organisation, link.user_id, as_of)
        if user is None:
            return None
        rights = _rights(session, user, as_of)
    return Invitation(
        organisation.name, user.email, user.display_name, fleet=Right.FLEET in rights, fines=Right.FINES in rights
    )


def accept(token: str, display_name: str, password: str, as_of: datetime) -> bool:
    """Give the invited person an account with this password; its rights are those of this moment.

    Its owner is told by mail, with a link to block it: somebody else may have had the invitation in hands. False
    when the link is worth nothing any more, also when the address got an account elsewhere meanwhile.
    Raises Refused for a name or a password that can't be.
    """
    link, invitation = tokens.find(token, TokenPurpose.INVITATION, as_of), read(token, as_of)
    if link is None or invitation is None:
        return False
    name = user_steps.checked_name(display_name)
    password_hash = _hash(password, (invitation.email, name, invitation.organisation_name))
    try:
        with tenant_session(link.organisation_id, write=True, platform_reason="acceptation") as session:
            organisation = user_steps.lock(session)
            user = _welcome(session, organisation, link.user_id, as_of)
            if user is None or not tokens.use(session, token, TokenPurpose.INVITATION, as_of):
                return False
            user.state, user.display_name, user.invitation_ends_at = UserState.ACTIVE, name, None
            identity = _identity(user, password_hash, as_of)
            session.add(identity)
            session.flush()
            _tell_opened(session, organisation, identity, as_of)
            details = {"parc": user.fleet_right, "contraventions": user.fines_right}
            user_steps.trace(session, "invitation.acceptee", user.id, user.id, as_of, **details)
    except IntegrityError:
        return False
    return True


def _invited(session: TenantSession, user_id: UUID) -> User:
    user = user_steps.find(session, user_id)
    if user.state != UserState.INVITED:
        raise NotVisible
    return user


def _send(session: TenantSession, organisation: Organisation, user: User, as_of: datetime) -> None:
    """A new link, and one mail: the link itself, or to the owner of a used address that they have an account.

    While the mailbox is spared, nothing leaves, and the link that is there already stays good.
    """
    spared = throttling.take_within(session, [Attempt("invitation", (user.email,), throttling.MAILBOX)], as_of)
    person = {"organisation_id": user.organisation_id, "user_id": user.id}
    token = tokens.issue(session, TokenPurpose.INVITATION, as_of=as_of, supersedes=not spared, **person)
    user.invitation_ends_at = as_of + tokens.LASTS[TokenPurpose.INVITATION]
    is_free = session.scalar(select(Identity.id).where(Identity.email == user.email)) is None
    mail.queue(
        session,
        "invitation" if is_free else "account_exists",
        to=user.email,
        as_of=as_of,
        organisation_id=user.organisation_id,
        deliver=not spared,
        organisation_name=organisation.name,
        link=mail.link_to(f"/invitation/{token}") if is_free else mail.link_to("/connexion"),
        ends_at=instant_and_zone(user.invitation_ends_at, ZoneInfo(organisation.zone)),
    )


def _tell_opened(session: TenantSession, organisation: Organisation, identity: Identity, as_of: datetime) -> None:
    token = tokens.issue(session, TokenPurpose.NOT_ME, as_of=as_of, identity_id=identity.id)
    mail.queue(
        session,
        "account_opened",
        to=identity.email,
        as_of=as_of,
        organisation_id=organisation.id,
        organisation_name=organisation.name,
        when=instant_and_zone(as_of, ZoneInfo(organisation.zone)),
        link=mail.link_to(f"/ce-n-est-pas-moi/{token}"),
    )


def _refuse_own_address(session: TenantSession, email: str) -> None:
    query = select(User).where(User.organisation_id == session.organisation_id, User.email == email)
    user = session.scalar(query)
    if user is None:
        return
    if user.state == UserState.DELETED:
        raise Refused("Cette adresse est celle d’un compte supprimé, que vous pouvez encore restaurer.", "email")
    if user.state == UserState.INVITED:
        raise Refused("Cette adresse a déjà une invitation\u00a0: renvoyez-la depuis sa fiche.", "email")
    raise Refused("Cette adresse est déjà celle d’un de vos utilisateurs.", "email")


def _refuse_too_many(session: TenantSession, as_of: datetime) -> None:
    """Each link sent counts, whatever became of it."""
    sent = _links(session).where(OneTimeToken.created_at > as_of - timedelta(days=1))
    if session.scalar(sent) >= PER_DAY:
        raise Refused(f"{PER_DAY} invitations sont parties en vingt-quatre heures\u00a0: réessayez demain.")


def _refuse_too_soon(session: TenantSession, user_id: UUID, as_of: datetime) -> None:
    recent = _links(session).where(OneTimeToken.user_id == user_id, OneTimeToken.created_at > as_of - BETWEEN_TWO)
    if session.scalar(recent):
        raise Refused("Une invitation vient de partir\u00a0: attendez une minute avant de la renvoyer.")


def _links(session: TenantSession) -> Select:
    return select(func.count()).where(
        OneTimeToken.organisation_id == session.organisation_id, OneTimeToken.purpose == TokenPurpose.INVITATION
    )


def _welcome(session: TenantSession, organisation: Organisation, user_id: UUID, as_of: datetime) -> User | None:
    """The invited user, while they may still come in."""
    if organisation.is_over(as_of) or organisation.state == OrganisationState.SUSPENDED:
        return None
    query = select(User).where(User.organisation_id == session.organisation_id, User.id == user_id)
    user = session.scalar(query.where(User.state == UserState.INVITED))
    if user is None or session.scalar(select(Identity.id).where(Identity.email == user.email)):
        return None
    return user


def _rights(session: TenantSession, user: User, as_of: datetime) -> frozenset[Right]:
    forms = session.scalars(select(OrderForm).where(OrderForm.organisation_id == session.organisation_id)).all()
    return effective_rights(
        fleet=user.fleet_right,
        fines=user.fines_right,
        administrator=False,
        tools=tools_on(forms, paris_day(as_of)),
        suspended=False,
    )


def _hash(password: str, personal: tuple[str, ...]) -> str:
    try:
        return passwords.hash_password(password, personal)
    except passwords.PasswordRefused as error:
        raise Refused(str(error), "password") from error


def _identity(user: User, password_hash: str, as_of: datetime) -> Identity:
    return Identity(
        id=new_id(),
        email=user.email,
        kind=IdentityKind.USER,
        organisation_id=user.organisation_id,
        user_id=user.id,
        password_hash=password_hash,
        created_at=as_of,
    )
