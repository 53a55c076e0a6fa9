"""Reads on organisations and users."""

from uuid import UUID

from sqlalchemy import Select, or_, select

from eprunes.accounts.models import OrderForm, Organisation, User
from eprunes.accounts.permissions import Actor
from eprunes.core.database import platform_session


def visible_users(actor: Actor) -> Select[tuple[User]]:
    """The users of the actor's organisation; only its administrator sees them."""
    query = select(User).where(User.organisation_id == actor.organisation_id)
    return query if actor.is_administrator else query.where(User.id == actor.user_id)


def order_forms(organisation_id: UUID) -> Select[tuple[OrderForm]]:
    """Every order form of an organisation, past ones included."""
    return select(OrderForm).where(OrderForm.organisation_id == organisation_id)


def organisation_by_number(number: str) -> Organisation | None:
    """The organisation with this number that was not purged, spaces ignored; for a SIRET, else its SIREN's."""
    wanted = "".join(number.split()).upper()
    with platform_session("recherche d’un client par son numéro") as session:
        return session.scalar(
            select(Organisation)
            .where(
                or_(Organisation.number == wanted, Organisation.number == wanted[:9]),
                Organisation.purged_at.is_(None),
            )
            .order_by(Organisation.number.desc())  # the longer of the two first
        )


def organisation(organisation_id: UUID) -> Organisation:
    """One organisation by id. Raises NoResultFound when there is none."""
    with platform_session("lecture d’un client") as session:
        return session.scalars(select(Organisation).where(Organisation.id == organisation_id)).one()


def living_organisations() -> list[Organisation]:
    """Every organisation whose data were not purged, in the order of creation."""
    with platform_session("tâches par client") as session:
        query = select(Organisation).where(Organisation.purged_at.is_(None)).order_by(Organisation.id)
        return list(session.scalars(query))
