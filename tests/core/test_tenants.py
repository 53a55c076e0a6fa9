"""A session opened for one organisation touches no other: statements, loads, changes, and PostgreSQL's last net."""

from contextlib import nullcontext

import pytest
from sqlalchemy import (
    Uuid,
    and_,
    bindparam,
    column,
    create_engine,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    not_,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, aliased

from eprunes.accounts.models import Identity, OrderForm, Organisation, User
from eprunes.core.audit import AuditEntry
from eprunes.core.database import (
    DatabaseUnsafe,
    TenantBreach,
    admitting,
    db,
    new_id,
    platform_session,
    tenant_session,
)
from tests.support import postgresql
from tests.support.worlds import AS_OF, SIRENS

POSTGRESQL_ONLY = pytest.mark.parametrize("installation", ["postgresql"], indirect=True)

OWN, OTHER = new_id(), new_id()
Other = aliased(User)


def a_user(organisation_id, email="nouveau@client.example") -> dict:
    return {
        "organisation_id": organisation_id,
        "id": new_id(),
        "email": email,
        "display_name": "Nouveau",
        "fleet_right": True,
        "fines_right": False,
        "is_administrator": False,
        "state": "actif",
        "created_at": AS_OF,
    }


def without_organisation(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "organisation_id"}


def mine(own, entity=User):
    return entity.organisation_id == own


def untied_emails():
    return select(User.email).scalar_subquery()


def copied_to(other, own):
    columns = ["organisation_id", "id", "effective_from", "vehicle_quota", "fleet_tool", "fines_tool", "created_at"]
    source = select(
        literal(other, Uuid()),
        literal(new_id(), Uuid()),
        OrderForm.effective_from,
        OrderForm.vehicle_quota,
        OrderForm.fleet_tool,
        OrderForm.fines_tool,
        OrderForm.created_at,
    ).where(mine(own, OrderForm))
    return insert(OrderForm).from_select(columns, source)


def taking_over(own, other):
    statement = sqlite.insert(User).values(**a_user(own))
    return statement.on_conflict_do_update(index_elements=["id"], set_={"organisation_id": other})


REFUSED_READS = {
    "without a condition": lambda own, other: select(User),
    "of the other organisation": lambda own, other: select(User).where(mine(other)),
    "of one column": lambda own, other: select(User.email),
    "of a count": lambda own, other: select(func.count()).select_from(User),
    "hidden by OR": lambda own, other: select(User).where(or_(mine(own), User.state == "actif")),
    "hidden by NOT": lambda own, other: select(User).where(not_(and_(mine(own), User.fleet_right))),
    "compared in the columns only": lambda own, other: select(User.email, mine(own)),
    "compared in the order only": lambda own, other: select(User).order_by(mine(own)),
    "compared in HAVING only": lambda own, other: select(func.max(User.email)).having(mine(own)),
    "textual": lambda own, other: text("SELECT email FROM users"),
    "textual column": lambda own, other: select(literal_column("(SELECT max(email) FROM users)")),
    "textual condition": lambda own, other: select(User).where(mine(own), text("1 = 1 OR 1 = 1")),
    "nameless table": lambda own, other: select(column("email")).select_from(table("users")),
    "loading from text": lambda own, other: select(User).from_statement(text("SELECT * FROM users")),
    "loading from a query": lambda own, other: select(User).from_statement(select(User)),
    "alias": lambda own, other: select(Other).where(mine(own)),
    "alias beside a tied table": lambda own, other: select(User, Other).where(mine(own), Other.email == User.email),
    "nested in IN": lambda own, other: select(User).where(mine(own), User.id.in_(select(User.id))),
    "nested in a column": lambda own, other: select(User.id, untied_emails()).where(mine(own)),
    "nested count of another table": lambda own, other: select(
        User.id, select(func.count(OrderForm.id)).scalar_subquery()
    ).where(mine(own)),
    "nested in EXISTS": lambda own, other: select(User).where(mine(own), exists(select(OrderForm.id))),
    "nested in FROM": lambda own, other: select(select(User.email).subquery()),
    "nested in FROM, tied outside only": lambda own, other: select(User.id, select(User.email).subquery()).where(
        mine(own)
    ),
    "common table expression": lambda own, other: select(select(User.email).cte()),
    "writing expression": lambda own, other: select(update(User).values(state="suspendu").returning(User.email).cte()),
    "unused common table expression": lambda own, other: (
        select(User).where(mine(own)).add_cte(select(User.email).cte())
    ),
    "half a union": lambda own, other: select(User.email).where(mine(own)).union(select(User.email)),
    "join without the organisation": lambda own, other: (
        select(OrderForm).join(User, User.created_at == OrderForm.created_at).where(mine(own, OrderForm))
    ),
    "outer join tied on its optional side": lambda own, other: select(User).outerjoin(
        OrderForm, and_(OrderForm.organisation_id == User.organisation_id, mine(own, OrderForm))
    ),
    "outer join with the condition in ON": lambda own, other: select(User).outerjoin(
        OrderForm, and_(OrderForm.organisation_id == User.organisation_id, mine(own))
    ),
    "nested join on the outer table": lambda own, other: select(User).where(
        mine(own),
        exists(select(OrderForm.id).join(User, User.created_at == OrderForm.created_at).where(mine(own, OrderForm))),
    ),
    "platform table without a reason": lambda own, other: select(Identity),
}

REFUSED_WRITES = {
    "update without a condition": lambda own, other: update(User).values(state="suspendu"),
    "update of the other": lambda own, other: update(User).where(mine(other)).values(state="suspendu"),
    "update hidden by OR": lambda own, other: (
        update(User).where(or_(mine(own), User.state == "actif")).values(state="suspendu")
    ),
    "update that moves rows": lambda own, other: update(User).where(mine(own)).values(organisation_id=other),
    "update from an untied query": lambda own, other: (
        update(User).where(mine(own)).values(display_name=untied_emails())
    ),
    "update through a subquery's column": lambda own, other: (
        update(User).where(mine(own), User.email == select(User.email).subquery().c.email).values(state="suspendu")
    ),
    "delete without a condition": lambda own, other: delete(User),
    "delete of the other": lambda own, other: delete(User).where(mine(other)),
    "delete through an untied query": lambda own, other: delete(User).where(
        mine(own), User.email.in_(select(User.email))
    ),
    "insert for the other": lambda own, other: insert(User).values(**a_user(other)),
    "insert for nobody": lambda own, other: insert(User).values(**without_organisation(a_user(own))),
    "insert of several, one for the other": lambda own, other: insert(User).values([a_user(own), a_user(other)]),
    "insert from a query, for the other": lambda own, other: copied_to(other, own),
    "insert from an untied query": lambda own, other: insert(User).from_select(
        ["organisation_id", "email"], select(User.organisation_id, User.email)
    ),
    "insert of an untied value": lambda own, other: insert(User).values(**{**a_user(own), "email": untied_emails()}),
    "insert that returns untied data": lambda own, other: insert(User).values(**a_user(own)).returning(untied_emails()),
    "insert that takes a row over": taking_over,
    "platform table without a reason": lambda own, other: delete(Identity),
}

REFUSED_WITH_ROWS = {
    "update by primary key": lambda own, other: (update(User), [{**a_user(other), "state": "suspendu"}]),
    "update by primary key, one of two": lambda own, other: (update(User), [a_user(own), a_user(other)]),
    "update that moves rows": lambda own, other: (update(User).where(mine(own)), {"organisation_id": other}),
    "insert of several": lambda own, other: (insert(User), [a_user(own), a_user(other)]),
    "insert overriding its own value": lambda own, other: (
        insert(User).values(organisation_id=own),
        [without_organisation(a_user(own)) | {"organisation_id": other}],
    ),
    "insert contradicting its rows": lambda own, other: (
        insert(User).values(organisation_id=other),
        [a_user(own)],
    ),
    "condition overridden by a parameter": lambda own, other: (
        select(User).where(User.organisation_id == bindparam("mine", own)),
        {"mine": other},
    ),
}

ADMITTED_READS = {
    "simple": lambda own: select(User).where(mine(own)),
    "one column": lambda own: select(User.organisation_id).where(User.fleet_right, mine(own)),
    "count": lambda own: select(func.count(), User.organisation_id).where(mine(own)).group_by(User.organisation_id),
    "reversed": lambda own: select(User).where(literal(own, Uuid()) == User.organisation_id),
    "parameter": lambda own: select(User).where(User.organisation_id == bindparam("mine", own)),
    "alias": lambda own: select(Other).where(mine(own, Other)),
    "join tied by the other table": lambda own: (
        select(User).join(OrderForm, OrderForm.organisation_id == User.organisation_id).where(mine(own, OrderForm))
    ),
    "join tied in ON": lambda own: select(User).join(
        OrderForm, and_(OrderForm.organisation_id == User.organisation_id, mine(own))
    ),
    "outer join": lambda own: (
        select(User, OrderForm)
        .outerjoin(OrderForm, and_(OrderForm.organisation_id == User.organisation_id, OrderForm.id == User.id))
        .where(mine(own))
    ),
    "correlated EXISTS": lambda own: select(User).where(
        mine(own), exists(select(OrderForm.id).where(OrderForm.organisation_id == User.organisation_id))
    ),
    "bare EXISTS": lambda own: select(User).where(mine(own), exists().where(mine(own, OrderForm))),
    "nested IN": lambda own: select(User).where(mine(own), User.id.in_(select(User.id).where(mine(own)))),
    "nested in FROM": lambda own: select(select(User.organisation_id).where(mine(own)).subquery()),
    "common table expression": lambda own: select(select(User.organisation_id).where(mine(own)).cte()),
    "union": lambda own: (
        select(User.organisation_id)
        .where(mine(own))
        .union(select(OrderForm.organisation_id).where(mine(own, OrderForm)))
    ),
    "loading from a query": lambda own: select(User).from_statement(select(User).where(mine(own))),
}


@pytest.fixture
def both(world, other_world):
    return world.organisation_id, other_world.organisation_id


@pytest.mark.parametrize("make", REFUSED_READS.values(), ids=REFUSED_READS)
def test_a_query_that_is_not_tied_to_the_organisation_is_refused(app, make):
    with tenant_session(OWN) as session, pytest.raises(TenantBreach):
        session.execute(make(OWN, OTHER)).all()


@pytest.mark.parametrize("make", REFUSED_WRITES.values(), ids=REFUSED_WRITES)
def test_a_change_that_is_not_tied_to_the_organisation_is_refused(app, make):
    with tenant_session(OWN) as session, pytest.raises(TenantBreach):
        session.execute(make(OWN, OTHER))


@pytest.mark.parametrize("make", REFUSED_WITH_ROWS.values(), ids=REFUSED_WITH_ROWS)
def test_the_rows_given_with_a_statement_are_checked_too(app, make):
    with tenant_session(OWN) as session, pytest.raises(TenantBreach):
        session.execute(*make(OWN, OTHER))


@pytest.mark.parametrize("make", ADMITTED_READS.values(), ids=ADMITTED_READS)
def test_a_query_tied_to_the_organisation_gives_its_rows_and_no_other(both, make):
    own, other = both
    with tenant_session(own) as session:
        rows = session.execute(make(own)).all()
    text_of_rows = repr([[getattr(value, "organisation_id", value) for value in row] for row in rows])
    assert repr(own) in text_of_rows
    assert repr(other) not in text_of_rows


def test_a_query_that_passed_once_is_refused_all_the_same_to_another_organisation_and_without_a_reason(both):
    one, other = both
    kept = select(User).where(User.organisation_id == one)
    wide = select(Identity).where(Identity.organisation_id == one)
    whose = [one]
    turning = select(User).where(User.organisation_id == bindparam("whose", callable_=lambda: whose[-1]))
    for _ in range(2):
        with tenant_session(one, platform_reason="tests") as session:
            session.scalars(kept).all()
            session.scalars(wide).all()
        with tenant_session(other) as session, pytest.raises(TenantBreach):
            session.scalars(kept).all()
        with tenant_session(one) as session, pytest.raises(TenantBreach):
            session.scalars(wide).all()
    given = select(User).where(User.organisation_id == bindparam("own"))
    for whom, its in [(one, one), (one, other), (other, other), (other, one), (one, one)]:
        with tenant_session(whom) as session, nullcontext() if whom == its else pytest.raises(TenantBreach):
            session.scalars(given, {"own": its}).all()
    with tenant_session(one) as session:
        session.scalars(turning).all()
        whose.append(other)
        with pytest.raises(TenantBreach):
            session.scalars(turning).all()


def test_changes_tied_to_the_organisation_touch_its_rows_only(both):
    own, other = both
    with tenant_session(own, write=True) as session:
        session.execute(update(User).where(mine(own)).values(state="suspendu"))
        session.execute(insert(User), [a_user(own, "un@client.example"), a_user(own, "deux@client.example")])
        session.execute(delete(User).where(mine(own), User.email == "un@client.example"))
    states = []
    for organisation_id in both:
        with tenant_session(organisation_id) as session:
            states.append(sorted(session.scalars(select(User.state).where(mine(organisation_id)))))
    assert states == [["actif"] + ["suspendu"] * 4, ["actif"] * 4]


def test_rows_are_copied_within_the_organisation(both):
    own, _ = both
    with tenant_session(own, write=True) as session:
        session.execute(copied_to(own, own))
    with tenant_session(own) as session:
        assert session.scalar(select(func.count(OrderForm.id)).where(mine(own, OrderForm))) == 2


def flush_after(session, *rows, change=None):
    """Add rows, change the first one, and flush."""
    session.add_all(rows)
    if change:
        change(session, rows[0])
    session.flush()


def first_user_of(organisation_id):
    with tenant_session(organisation_id) as session:
        return session.scalars(select(User).where(mine(organisation_id))).first()


def test_a_row_of_another_organisation_is_neither_added_nor_loaded_nor_merged(both):
    own, other = both
    theirs = first_user_of(other)
    with tenant_session(own) as session, pytest.raises(TenantBreach):
        session.get(User, (other, theirs.id))
    with tenant_session(own) as session, pytest.raises(TenantBreach):
        session.merge(theirs)
    with tenant_session(own) as session, pytest.raises(TenantBreach):
        flush_after(session, User(**a_user(other)))


CHANGES = {
    "read again": lambda session, row: session.refresh(row),
    "changed": lambda session, row: setattr(row, "state", "suspendu"),
    "deleted": lambda session, row: session.delete(row),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_row_of_another_organisation_that_slipped_in_is_neither_read_again_nor_changed(both, change):
    own, other = both
    with tenant_session(own) as session, pytest.raises(TenantBreach):
        flush_after(session, first_user_of(other), change=change)


@pytest.mark.parametrize("target", ["other", "own"])
def test_a_row_never_changes_organisation(both, target):
    own, other = both
    old, new = (own, other) if target == "other" else (other, own)
    with tenant_session(own) as session, pytest.raises(TenantBreach):
        flush_after(session, first_user_of(old), change=lambda _, row: setattr(row, "organisation_id", new))


def test_own_rows_are_loaded_changed_and_refreshed(both):
    own, _ = both
    with tenant_session(own, write=True) as session:
        user = session.scalars(select(User).where(mine(own))).first()
        user.display_name = "Autre nom"
        session.flush()
        session.refresh(user)
        session.expire(user)
        assert session.get(User, (own, user.id)).display_name == "Autre nom"


@pytest.mark.parametrize("method", ["bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"])
def test_bulk_methods_that_go_round_the_checks_are_refused(app, method):
    arguments = ([User(**a_user(OTHER))],) if method == "bulk_save_objects" else (User, [a_user(OTHER)])
    with tenant_session(OWN) as session, pytest.raises(TenantBreach):
        getattr(session, method)(*arguments)


PLATFORM_REFUSED = {
    "business table": lambda: select(User),
    "business table in a join": lambda: select(Identity).join(User, User.id == Identity.user_id),
    "business table in a subquery": lambda: select(Identity).where(Identity.user_id.in_(select(User.id))),
    "textual": lambda: text("SELECT * FROM users"),
    "nameless table": lambda: select(column("email")).select_from(table("users")),
    "update through a subquery's column": lambda: (
        update(Identity).where(Identity.user_id == select(User.id).subquery().c.id).values(email="x")
    ),
    "insert from a business table": lambda: insert(Identity).from_select(["email"], select(User.email)),
    "insert": lambda: insert(User).values(email="x"),
    "delete": lambda: delete(User),
}


@pytest.mark.parametrize("make", PLATFORM_REFUSED.values(), ids=PLATFORM_REFUSED)
def test_a_platform_session_refuses_business_tables(app, make):
    with platform_session("tests") as session, pytest.raises(TenantBreach):
        session.execute(make())


def test_a_platform_session_neither_adds_nor_loads_a_business_row(both):
    own, _ = both
    with platform_session("tests") as session, pytest.raises(TenantBreach):
        flush_after(session, User(**a_user(own)))
    with platform_session("tests") as session, pytest.raises(TenantBreach):
        session.get(User, (own, new_id()))


def test_a_session_of_no_kind_is_refused(both):
    own, _ = both
    for statement in (select(User.email).where(mine(own)), select(Identity.email)):
        with Session(bind=db.engine) as session, pytest.raises(TenantBreach):
            session.execute(statement)
    with Session(bind=db.engine) as session, pytest.raises(TenantBreach):
        flush_after(session, User(**a_user(own)))


def test_a_platform_reason_opens_platform_tables_and_no_other_organisation(both):
    own, other = both
    with tenant_session(own, platform_reason="tests") as session:
        assert session.scalar(select(Organisation.number).where(Organisation.id == own)) == SIRENS[0]
        with pytest.raises(TenantBreach):
            session.execute(select(User).where(mine(other)))


def test_a_platform_reason_is_given_for_a_block_and_taken_back_even_after_an_error(both):
    own, _ = both
    number = select(Organisation.number).where(Organisation.id == own)
    with tenant_session(own) as session:
        with admitting(session, "tests") as same:
            assert same.scalar(number) == SIRENS[0]
        with pytest.raises(TenantBreach):
            session.scalar(number)
        with pytest.raises(ZeroDivisionError), admitting(session, "tests"):
            _ = 1 / 0
        with pytest.raises(TenantBreach):
            session.scalar(number)


def test_a_reading_session_cannot_write(both):
    own, _ = both
    with tenant_session(own) as session, pytest.raises(DBAPIError, match=r"read-?only"):
        session.execute(insert(User).values(**a_user(own)))
    with platform_session("tests") as session, pytest.raises(DBAPIError, match=r"read-?only"):
        session.execute(delete(Identity))


def test_a_writing_session_commits_on_leaving_and_takes_back_on_an_error(both):
    own, _ = both

    def write(email, error=None):
        with tenant_session(own, write=True) as session:
            session.execute(insert(User).values(**a_user(own, email)))
            if error:
                raise error

    with pytest.raises(RuntimeError):
        write("perdu@client.example", RuntimeError())
    write("garde@client.example")
    with tenant_session(own) as session:
        emails = set(session.scalars(select(User.email).where(mine(own))))
    assert "garde@client.example" in emails
    assert "perdu@client.example" not in emails


def test_a_row_of_one_organisation_cannot_point_to_a_row_of_another(both):
    own, other = both
    with tenant_session(other) as session:
        their_user = session.scalars(select(User.id).where(mine(other))).first()
    identity = {
        "id": new_id(),
        "email": "mixte@client.example",
        "kind": "utilisateur",
        "organisation_id": own,
        "user_id": their_user,
        "created_at": AS_OF,
    }
    with pytest.raises(IntegrityError), platform_session("tests", write=True) as session:
        session.execute(insert(Identity).values(**identity))


@POSTGRESQL_ONLY
@pytest.mark.parametrize("setting", ["", "other"])
def test_on_postgresql_the_database_alone_hides_and_refuses_other_rows(both, setting):
    own, other = both
    with db.engine.begin() as connection:
        value = str(other) if setting else ""
        connection.execute(text("SELECT set_config('app.organisation_id', :value, true)"), {"value": value})
        visible = set(connection.scalars(select(User.organisation_id)))
        assert visible == ({other} if setting else set())
        assert connection.execute(delete(AuditEntry).where(AuditEntry.organisation_id == own)).rowcount == 0
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(insert(User).values(**a_user(own)))


@POSTGRESQL_ONLY
def test_on_postgresql_the_setting_does_not_outlive_its_transaction(both):
    own, _ = both
    for _ in range(5):
        with tenant_session(own) as session:
            assert session.scalars(select(User.id).where(mine(own))).all()
    with db.engine.begin() as connection:
        assert not connection.scalars(select(User.id)).all()


@POSTGRESQL_ONLY
@pytest.mark.parametrize("role", ["postgres", "a_bypasser"])
def test_on_postgresql_a_role_that_ignores_the_policies_is_refused(app, environ, postgresql_socket, role):
    url = make_url(environ["EPRUNES_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    if role != "postgres":
        postgresql.create_powerful_role(postgresql_socket, role)
    engine = create_engine(url.set(username=role))
    with pytest.raises(DatabaseUnsafe, match="rôle ordinaire"):
        engine.connect()
    engine.dispose()
