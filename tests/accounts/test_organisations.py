"""Clients and their accounts: what is created together, what is refused, and what the database holds on its own."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from eprunes.accounts import queries
from eprunes.accounts.company_numbers import CompanyNumberKind
from eprunes.accounts.models import Identity, Organisation, User
from eprunes.accounts.services import clients, users
from eprunes.core.crypto import BoxUnreadable, key_store
from eprunes.core.database import new_id, platform_session, tenant_session
from eprunes.core.refusals import Refused
from tests.support.worlds import AS_OF, SIRENS, actor

CLIENT = {"name": "Client", "number": SIRENS[2], "admin_email": "chef@client.example", "vehicles": 3, "as_of": AS_OF}


def create(**changes):
    return clients.create_organisation(**CLIENT | changes)


def organisations() -> int:
    with platform_session("tests") as session:
        return session.scalar(select(func.count(Organisation.id)))


def users_of(organisation_id) -> list[User]:
    with tenant_session(organisation_id) as session:
        return session.scalars(select(User).where(User.organisation_id == organisation_id)).all()


def test_a_client_starts_with_one_administrator_who_holds_every_tool(app):
    """C3.2-a"""
    organisation_id = create(tools=("fleet",))
    [user] = users_of(organisation_id)
    assert (user.email, user.is_administrator) == ("chef@client.example", True)
    assert {str(right) for right in actor("chef@client.example").rights} == {"parc", "administrateur"}
    key_store().index_key(organisation_id)


def test_the_administrator_bears_the_name_given_or_the_clients(app):
    [named] = users_of(create(admin_name=" Claire  Durand "))
    [unnamed] = users_of(create(number=SIRENS[3], admin_email="autre@client.example"))
    assert (named.display_name, unnamed.display_name) == ("Claire Durand", "Client")
    with pytest.raises(Refused):
        create(number=SIRENS[0], admin_email="long@client.example", admin_name="n" * 121)


@pytest.mark.parametrize(
    ("number", "kind", "stored"),
    [
        ("552 100 554", None, ("siren", "552100554")),
        ("732 829 320 00074", None, ("siret", "73282932000074")),
        ("0132720", CompanyNumberKind.RIDET, ("ridet", "0132720")),
        ("A12345", CompanyNumberKind.TAHITI, ("tahiti", "A12345")),
    ],
)
def test_a_client_is_known_by_its_number_and_the_kind_of_number(app, number, kind, stored):
    """C3.1: overseas registers included."""
    create(number=number, number_kind=kind)
    client = queries.organisation_by_number(number)
    assert (client.number_kind, client.number) == stored


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": "552100555"}, "number"),
        ({"number": "55210055"}, "number"),
        ({"number": "552100554", "number_kind": CompanyNumberKind.SIRET}, "number"),
        ({"number": "A12345"}, "number"),
        ({"admin_email": "chef"}, "admin_email"),
        ({"admin_email": "chef@"}, "admin_email"),
        ({"admin_email": ""}, "admin_email"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"vehicles": -1}, "vehicles"),
        ({"tools": ()}, "tools"),
        ({"tools": ("trucks",)}, "tools"),
        ({"zone": "Europe/Lutece"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
    ],
)
def test_a_client_with_something_wrong_is_refused_and_leaves_nothing(app, changes, field):
    """C3.1"""
    with pytest.raises(Refused) as refusal:
        create(**changes)
    assert refusal.value.field == ("email" if field == "admin_email" else field)
    assert organisations() == 0


def test_a_name_may_be_long(app):
    create(name="x" * 120)
    assert organisations() == 1


def test_a_number_belongs_to_one_client(app, world, monkeypatch):
    """C3.1"""
    made = []
    monkeypatch.setattr(clients, "new_id", lambda: made.append(new_id()) or made[-1])
    with pytest.raises(Refused, match="porte déjà ce numéro"):
        create(number=world.number)
    assert organisations() == 1
    with pytest.raises(BoxUnreadable):
        key_store().index_key(made[0])


@pytest.mark.parametrize("spelling", ["{0}", " {1} ", "{1}"])
def test_an_address_used_anywhere_on_the_platform_opens_no_second_account(world, other_world, spelling):
    """C3.2-b: of an administrator, of a user, of an operator; in one's own organisation and in another."""
    users.create_operator(email="exploitant@prestataire.example", as_of=AS_OF)
    for used in (world.fleet, world.admin, other_world.fines, "exploitant@prestataire.example"):
        email = spelling.format(used, used.upper())
        for attempt in (
            lambda email=email: create(admin_email=email),
            lambda email=email: users.create_user(
                organisation_id=world.organisation_id, email=email, fleet=True, fines=False, as_of=AS_OF
            ),
            lambda email=email: users.create_operator(email=email, as_of=AS_OF),
        ):
            with pytest.raises(Refused, match="déjà un compte") as refusal:
                attempt()
            assert refusal.value.field == "email"
    assert organisations() == 2
    assert len(users_of(world.organisation_id)) == 4


def test_a_user_without_any_right_is_refused(world):
    """C3.2-c"""
    with pytest.raises(Refused, match="au moins un droit"):
        users.create_user(
            organisation_id=world.organisation_id, email="x@client0.example", fleet=False, fines=False, as_of=AS_OF
        )


def test_the_database_refuses_a_second_administrator(world, other_world):
    """C3.2-a: and an administrator of another client is no hindrance."""
    own = world.organisation_id

    def add(**values):
        row = {
            "organisation_id": own,
            "id": new_id(),
            "email": "second@client0.example",
            "display_name": "Second",
            "fleet_right": True,
            "fines_right": True,
            "state": "actif",
            "created_at": AS_OF,
        }
        with tenant_session(own, write=True) as session:
            session.execute(insert(User).values(**row | values))

    add(is_administrator=False)
    with pytest.raises(IntegrityError):
        add(is_administrator=True)


def test_the_database_refuses_an_identity_that_is_half_a_user(app, world):
    for values in (
        {"kind": "utilisateur", "organisation_id": None},
        {"kind": "utilisateur", "organisation_id": world.organisation_id},
        {
            "kind": "exploitant",
            "organisation_id": world.organisation_id,
            "user_id": users_of(world.organisation_id)[0].id,
        },
    ):
        with pytest.raises(IntegrityError), platform_session("tests", write=True) as session:
            session.execute(
                insert(Identity).values(id=new_id(), email="demi@client.example", created_at=AS_OF, **values)
            )


def test_a_contract_ends_today_at_the_earliest(world):
    """C3.4"""
    with pytest.raises(Refused, match="dans le passé"):
        clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date() - timedelta(days=1), as_of=AS_OF)
    clients.end_contract(organisation_id=world.organisation_id, on=AS_OF.date(), as_of=AS_OF)
    assert queries.organisation(world.organisation_id).contract_ends_on == AS_OF.date()


def test_a_siret_finds_its_own_client_before_that_of_its_siren(app):
    create(number="732829320", admin_email="un@client.example")
    create(number="73282932000074", admin_email="deux@client.example")
    assert queries.organisation_by_number("732 829 320 00074").number_kind == "siret"
    assert queries.organisation_by_number("732 829 320").number_kind == "siren"
    assert queries.organisation_by_number("732 829 320 00066").number_kind == "siren"
    assert queries.organisation_by_number("404833048") is None
