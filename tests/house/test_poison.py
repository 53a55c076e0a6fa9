"""Bodies with a field for every column there is: what no form asks for changes nothing (mass assignment)."""

import re
from datetime import date, datetime
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import Boolean, Column, Date, DateTime, Integer, LargeBinary, Numeric, Uuid

from eprunes.accounts.services import invitations, resets
from eprunes.core.database import Base
from eprunes.fines.services import requesting
from tests.house import roles
from tests.house.canaries import contents, plate, provider_ids, word
from tests.house.roles import ADMIN, ANONYMOUS, BOTH, FINES, FLEET, OPERATOR
from tests.house.rows import changed, counted, everything
from tests.house.stored_texts import sealed_texts
from tests.support import letters
from tests.support.desk import designation_of
from tests.support.routes import calls
from tests.support.worlds import AS_OF, PASSWORD, World, actor, give_password, make_world

MARK, NUMBER, INSTANT = "empoisonne", 4242, "1999-12-31T11:11:11+00:00"
CHOSEN = "tortue violon brouette lilas"
_NAMES = {"last_name": "Dumas", "first_name": "Caroline"}
_PERSON = _NAMES | {"kind": "prepose", "civility": "", "country": "FR", "licence_country": "FR"}
_VEHICLE = {"country": "FR", "holding": "lld", "entered_at": "2025-01-01", "entered_at_time": "01:00"}

_FLEET_FORMS = {
    "fleet.add_driver": (_PERSON, ()),
    "fleet.add_vehicle": ({"plate": "BC-234-DE", **_VEHICLE}, ("vehicle_counts.used",)),
    "fleet.assign": (
        {"driver": "{word}", "driver_id": "{driver_id}", "starts_at": "2025-03-01", "ends_at": "2025-04-01"}, (),
    ),
    "fleet.change_driver": (_PERSON, ("drivers.box", "drivers.is_designable", "drivers.staff_number")),
    "fleet.change_vehicle": (
        {"plate": "{plate}", "make": "Renault", **_VEHICLE},
        tuple(f"vehicles.{name}" for name in ("category", "holding", "make", "model", "site", "vin")),
    ),
    "fleet.driver_left": ({"on": "2026-03-02"}, ("assignments.ends_at", "drivers.left_on")),
    "fleet.end_assignment": ({"at": "2026-03-01"}, ("assignments.ends_at",)),
    "fleet.leave_fleet": (
        {"at": "2026-03-02", "reason": "vente"},
        ("assignments.ends_at", "vehicle_counts.used", "vehicles.counts_in_quota", "vehicles.left_at",
         "vehicles.left_because"),
    ),
}  # fmt: skip
_ANSWERED = ("notices.is_answered", "notices.state", "notice_counts.answer_days", "notice_counts.in_time")
_FINES_FORMS = {
    "fines.designate": (
        designation_of(None) | {"because": "Prêt d’un jour."},
        ("notice_counts.designated", *_ANSWERED),
    ),
    "fines.file_notice": (
        {"filing_reason": "payee"},
        ("notice_counts.filed", "notices.filing_reason", "notices.state"),
    ),
    "fines.report_impossible": (
        {"reason": "force_majeure", "comment": "Réquisition de la mairie."},
        ("notice_counts.impossible", *_ANSWERED),
    ),
}
_OWN_FORMS = {
    "accounts.change_password": (
        {"current": PASSWORD, "new": CHOSEN},
        ("identities.password_hash", "user_sessions.ended_at", "user_sessions.token_hash"),
    ),
    "accounts.confirm": ({"password": PASSWORD}, ("user_sessions.token_hash",)),
}
_ADMIN_FORMS = {
    "admin.act_on_user": ({}, ("users.state",)),
    "admin.change_rights": ({"fines": "y"}, ("users.fines_right", "users.fleet_right")),
    "admin.invite": ({"email": "nouvelle@client0.example", "display_name": "Camille", "fleet": "y"}, ()),
    "admin.start_handover": ({"to_user_id": "{user_id}"}, ()),
}
_PUBLIC_FORMS = {
    "accounts.forgotten": ({"email": "parc@client0.example"}, ()),
    "accounts.invitation": (
        {"display_name": "Camille", "password": CHOSEN},
        ("one_time_tokens.used_at", "users.invitation_ends_at", "users.state"),
    ),
    "accounts.reset": (
        {"password": CHOSEN}, ("identities.password_hash", "one_time_tokens.used_at", "user_sessions.ended_at"),
    ),
    "accounts.sign_in": ({"email": "parc@client0.example", "password": PASSWORD}, ()),
    "fines.driver_request": (
        designation_of(None) | {"reply": "moi"},
        ("driver_requests.answered_at", "driver_requests.box", "driver_requests.reply"),
    ),
}  # fmt: skip
_BLOCKED = ("blocked_at", "blocked_by", "password_hash")
_OPERATOR_FORMS = {
    "provider.block_account": (
        {"reason": "perte"}, (*(f"identities.{name}" for name in _BLOCKED), "user_sessions.ended_at"),
    ),
    "provider.start_visit": ({"reason": "Le client nous appelle."}, ()),
    "provider.succession": ({"to_user_id": "{user_id}", "proof": "Extrait du registre."}, ()),
}  # fmt: skip
_BY_ROLE = (
    (FLEET, _FLEET_FORMS | _OWN_FORMS), (FINES, _FINES_FORMS), (ADMIN, _ADMIN_FORMS), (ANONYMOUS, _PUBLIC_FORMS),
    (OPERATOR, _OPERATOR_FORMS),
)  # fmt: skip
FORMS = {endpoint: (role, *form) for role, forms in _BY_ROLE for endpoint, form in forms.items()}
"""A form that is taken, from each family: who sends it, what they type, and the columns that it may change."""
ANSWERED_WITH_A_PAGE = {"accounts.forgotten", "accounts.invitation", "fines.driver_request"}
ENDING = {"accounts.sign_out", "provider.start_visit"}
"""The routes that would end the sessions, or the rights, with which the others are tried."""
OF_THE_JOURNAL = {"audit_heads.hash", "audit_heads.seq"}


def poison_for(column: Column, victim: World) -> str:
    """A value that fits a column, and is known wherever it turns up."""
    if isinstance(column.type, Uuid):
        return str(victim.organisation_id)
    if isinstance(column.type, Boolean):
        return "y"
    if isinstance(column.type, Integer | Numeric):
        return str(NUMBER)
    if isinstance(column.type, DateTime):
        return INSTANT
    return INSTANT[:10] if isinstance(column.type, Date) else MARK


def poison(victim: World) -> dict[str, str]:
    """A value for every column of every model."""
    columns = [column for table in Base.metadata.tables.values() for column in table.columns]
    body = {column.name: poison_for(column, victim) for column in columns if not isinstance(column.type, LargeBinary)}
    return body | {"is_administrator": "y", "role": "administrateur"}


def poisoned(world: World, victim: World) -> set[str]:
    """Where a poison of the body has come to stand."""
    instant = datetime.fromisoformat(INSTANT)
    bad = {MARK, NUMBER, instant, instant.date(), victim.organisation_id, str(victim.organisation_id)}
    rows = [row for table in everything(world).values() for row in table.values()]
    cells = {(name, value) for row in rows for name, value in row.items() if isinstance(value, _KINDS)}
    boxes = {(name, text) for name, texts in sealed_texts(world).items() for text in texts}
    return {name for name, value in cells | boxes if value in bad}


_KINDS = (str, int, datetime, date, UUID)


@pytest.mark.parametrize("role", [FLEET, FINES, BOTH, ADMIN, OPERATOR])
def test_a_body_with_every_column_reaches_no_other_client(app, world, people, role):
    """Self-promotion, a change of client, a quota of one's own: none of it by adding fields to a form."""
    victim = make_world(1)
    ids, theirs = contents(world) | provider_ids(world), contents(victim)
    before, number = everything(victim), counted(victim)
    for endpoint, method, path in calls(app, ids):
        if method == "POST" and endpoint not in ENDING:
            people[role].post(path, data=poison(victim) | theirs)
    assert changed(before, everything(victim)) == set()
    assert counted(victim) == number
    assert poisoned(world, victim) == set()


@pytest.mark.parametrize("endpoint", FORMS)
def test_a_form_that_is_taken_takes_nothing_else(app, world, people, endpoint):
    """Mass assignment where it would work: the form is right, and every column there is comes along with it."""
    victim = make_world(1)
    contents(victim)
    give_password(world.fleet)
    people |= roles.browsers(app, world)
    ids = contents(world) | provider_ids(world)
    role, typed, may_change = FORMS[endpoint]
    typed = {name: text.format(**ids, plate=plate(world), word=f"{word(world)}Nom") for name, text in typed.items()}
    path = path_to(app, world, endpoint, ids)
    fields = set(re.findall(r'name="([^"]+)"', people[role].get(path, follow_redirects=True).text))
    own, theirs, number = everything(world), everything(victim), counted(victim)
    answer = people[role].post(path, data=without(poison(victim), fields) | typed)
    if endpoint not in ANSWERED_WITH_A_PAGE:
        assert answer.status_code == 302, answer.text
        assert "/connexion?" not in answer.headers["Location"]
    assert changed(own, everything(world)) - OF_THE_JOURNAL == set(may_change)
    assert poisoned(world, victim) == set()
    assert (changed(theirs, everything(victim)), counted(victim)) == (set(), number)


def without(body: dict[str, str], fields: set[str]) -> dict[str, str]:
    """The body without what the form asks for."""
    return {name: value for name, value in body.items() if name not in fields}


def path_to(app, world: World, endpoint: str, ids: dict[str, str]) -> str:
    """The address of a form; of those behind a mail, with the token that was sent."""
    if endpoint == "accounts.invitation":
        invitations.invite(actor(world.admin), "nouvelle@client0.example", "Camille", True, False, AS_OF)
        return letters.queued("invitation")[-1].path
    if endpoint == "accounts.reset":
        resets.ask(email=world.fleet, address="192.0.2.1", as_of=AS_OF)
        return letters.queued("reset")[-1].path
    if endpoint == "fines.driver_request":
        asked = {"driver_id": UUID(ids["driver_id"]), "by_mail": False, "as_of": AS_OF}
        return urlsplit(requesting.ask(actor(world.admin), UUID(ids["notice_id"]), **asked)).path
    paths = [path for name, method, path in calls(app, ids) if (name, method) == (endpoint, "POST")]
    return next((path for path in paths if path.endswith("/suspendre")), paths[0])
