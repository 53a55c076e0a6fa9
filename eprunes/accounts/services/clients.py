"""Operations on clients, their order forms and the end of their contract."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import quota
from eprunes.accounts.company_numbers import CompanyNumberKind, InvalidCompanyNumber, parse_company_number
from eprunes.accounts.models import OrderForm, Organisation
from eprunes.accounts.services import steps, user_steps
from eprunes.core import audit
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import new_id, tenant_session
from eprunes.core.refusals import Refused

TOOLS = ("fleet", "fines")
NAME_LENGTH = 120


def create_organisation(
    *,
    name: str,
    number: str,
    admin_email: str,
    admin_name: str = "",
    vehicles: int,
    tools: tuple[str, ...] = TOOLS,
    number_kind: CompanyNumberKind | None = None,
    zone: str = "Europe/Paris",
    as_of: datetime,
) -> UUID:
    """Register a client with its first order form and its administrator, without a password yet.

    The administrator bears the client's name until `admin_name` is known.
    Raises Refused when the number is malformed (C3.1) or taken, or the e-mail is used (C3.2-b).
    """
    client = _client(name, number, number_kind, zone, as_of)
    email = steps.normalised_email(admin_email)
    admin_name = user_steps.checked_name(admin_name) if admin_name else name
    _check_order(vehicles, tools)
    key_store().create_organisation_key(client.id)
    try:
        with tenant_session(client.id, write=True, platform_reason="création d’un client") as session:
            session.add(client)
            session.flush()
            session.add(_order_form(client.id, vehicles, tools, as_of))
            quota.start_counting(session)
            steps.add_user(session, new_id(), email, admin_name, as_of, fleet=True, fines=True, administrator=True)
            audit.record(session, "organisation.creee", as_of=as_of, subject=("client", client.id))
    except IntegrityError as error:
        key_store().destroy_organisation(client.id)
        raise steps.taken(error) from error
    return client.id


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
