"""Operations on organisations, users and contracts. One function, one transaction."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import passwords, quota
from eprunes.accounts.company_numbers import CompanyNumberKind, InvalidCompanyNumber, parse_company_number
from eprunes.accounts.models import Identity, IdentityKind, OrderForm, Organisation, User, UserSession
from eprunes.core import audit
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession, new_id, platform_session, tenant_session
from eprunes.core.refusals import Refused

TOOLS = ("fleet", "fines")
NAME_LENGTH = 120


def create_organisation(
    *,
    name: str,
    number: str,
    admin_email: str,
    vehicles: int,
    tools: tuple[str, ...] = TOOLS,
    number_kind: CompanyNumberKind | None = None,
    zone: str = "Europe/Paris",
    as_of: datetime,
) -> UUID:
    """Register a client with its first order form and its administrator, without a password yet.

    Raises Refused when the number is malformed (C3.1) or taken, or the e-mail is used (C3.2-b).
    """
    client = _client(name, number, number_kind, zone, as_of)
    email = _normalised_email(admin_email)
    _check_order(vehicles, tools)
    key_store().create_organisation_key(client.id)
    try:
        with tenant_session(client.id, write=True, platform_reason="création d’un client") as session:
            session.add(client)
            session.flush()
            session.add(_order_form(client.id, vehicles, tools, as_of))
            quota.start_counting(session)
            _add_user(session, new_id(), email, name, as_of, fleet=True, fines=True, administrator=True)
            audit.record(session, "organisation.creee", as_of=as_of, subject=("client", client.id))
    except IntegrityError as error:
        key_store().destroy_organisation(client.id)
        raise _taken(error) from error
    return client.id


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
    normalised, user_id = _normalised_email(email), new_id()
    try:
        with tenant_session(organisation_id, write=True, platform_reason="création d’un compte") as session:
            name = display_name or normalised.split("@")[0]
            _add_user(session, user_id, normalised, name, as_of, fleet=fleet, fines=fines, administrator=False)
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
        raise _taken(error) from error
    return user_id


def create_operator(*, email: str, as_of: datetime) -> UUID:
    """Add an operator of the provider: an account without organisation. Raises Refused when used."""
    identity = Identity(id=new_id(), email=_normalised_email(email), kind=IdentityKind.OPERATOR, created_at=as_of)
    try:
        with platform_session("création d’un exploitant", write=True) as session:
            session.add(identity)
    except IntegrityError as error:
        raise _taken(error) from error
    return identity.id


def set_password(*, email: str, password: str, as_of: datetime) -> None:
    """Set an account's password and end its open sessions. Raises Refused on a weak one or no account."""
    try:
        password_hash = passwords.hash_password(password)
    except passwords.PasswordRefused as error:
        raise Refused(str(error), "password") from error
    normalised = _normalised_email(email)
    with platform_session("mot de passe posé par l’exploitant", write=True) as session:
        identity = session.scalar(select(Identity).where(Identity.email == normalised))
        if identity is None:
            raise Refused(f"Aucun compte pour {normalised}.", "email")
        identity.password_hash = password_hash
        open_sessions = UserSession.identity_id == identity.id, UserSession.ended_at.is_(None)
        session.execute(update(UserSession).where(*open_sessions).values(ended_at=as_of))


def end_contract(*, organisation_id: UUID, on: date, as_of: datetime) -> None:
    """Set the contract's end date (C3.4): access stops at 24:00 Europe/Paris of that day (decision 9).

    Raises Refused for a day before today: what was accessible can't be made to have been closed.
    """
    if on < paris_day(as_of):
        raise Refused("La fin du contrat ne peut pas être dans le passé.", "on")
    with tenant_session(organisation_id, write=True, platform_reason="fin de contrat") as session:
        organisation = session.scalars(select(Organisation).where(Organisation.id == organisation_id)).one()
        organisation.contract_ends_on = on
        details = {"fin": on.isoformat()}
        audit.record(session, "contrat.fin", as_of=as_of, subject=("client", organisation_id), details=details)


def new_order_form(
    *, organisation_id: UUID, vehicles: int, tools: tuple[str, ...], effective_from: date, as_of: datetime
) -> None:
    """Replace the order form for the future (C4.1-b); the earlier ones stay as history.

    Raises Refused for a day before today, or for an order that admits no tool.
    """
    _check_order(vehicles, tools)
    if effective_from < paris_day(as_of):
        raise Refused("Un bon de commande ne vaut que pour l’avenir.", "effective_from")
    with tenant_session(organisation_id, write=True) as session:
        form = _order_form(organisation_id, vehicles, tools, as_of)
        form.effective_from = effective_from
        session.add(form)
        details = {"vehicules": vehicles, "outils": list(tools), "des_le": effective_from.isoformat()}
        audit.record(session, "bon_de_commande.nouveau", as_of=as_of, details=details)


def _add_user(
    session: TenantSession,
    user_id: UUID,
    email: str,
    name: str,
    as_of: datetime,
    *,
    fleet: bool,
    fines: bool,
    administrator: bool,
) -> None:
    session.add(
        User(
            organisation_id=session.organisation_id,
            id=user_id,
            email=email,
            display_name=name.strip(),
            fleet_right=fleet,
            fines_right=fines,
            is_administrator=administrator,
            created_at=as_of,
        )
    )
    session.flush()
    session.add(
        Identity(
            email=email,
            kind=IdentityKind.USER,
            organisation_id=session.organisation_id,
            user_id=user_id,
            created_at=as_of,
        )
    )


def _order_form(organisation_id: UUID, vehicles: int, tools: tuple[str, ...], as_of: datetime) -> OrderForm:
    return OrderForm(
        organisation_id=organisation_id,
        id=new_id(),
        effective_from=paris_day(as_of),
        vehicle_quota=vehicles,
        fleet_tool="fleet" in tools,
        fines_tool="fines" in tools,
        created_at=as_of,
    )


def _check_order(vehicles: int, tools: tuple[str, ...]) -> None:
    if vehicles < 0:
        raise Refused("Le nombre de véhicules ne peut pas être négatif.", "vehicles")
    unknown = set(tools) - set(TOOLS)
    if unknown or not tools:
        raise Refused("Outils admis\u00a0: fleet, fines ou les deux.", "tools")


def _client(name: str, number: str, number_kind: CompanyNumberKind | None, zone: str, as_of: datetime) -> Organisation:
    parsed = _company_number(number, number_kind)
    if not name.strip():
        raise Refused("Indiquez le nom du client.", "name")
    if len(name.strip()) > NAME_LENGTH:
        raise Refused(f"Le nom du client tient en {NAME_LENGTH} caractères.", "name")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Refused(f"Fuseau horaire inconnu\u00a0: {zone}.", "zone") from error
    return Organisation(
        id=new_id(),
        name=name.strip(),
        number_kind=parsed.kind,
        number=parsed.value,
        zone=zone,
        created_at=as_of,
    )


def _company_number(number: str, kind: CompanyNumberKind | None):
    try:
        return parse_company_number(number, kind) if kind else parse_company_number(number)
    except InvalidCompanyNumber as error:
        raise Refused(str(error), "number") from error


def _normalised_email(email: str) -> str:
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"«\u00a0{email}\u00a0» n’est pas une adresse e-mail valable.", "email") from error
    return checked.normalized.lower()


def _taken(error: IntegrityError) -> Refused:
    text = str(error.orig)
    if "identities" in text:
        return Refused("Cette adresse e-mail a déjà un compte.", "email")
    if "organisations" in text:
        return Refused("Un client porte déjà ce numéro.", "number")
    raise error
