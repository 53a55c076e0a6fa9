"""What every request pays: the tenant checks, the session in the cookie, a sealed box."""

from collections.abc import Iterator

from flask import Flask
from sqlalchemy import select

from bench.measures import Figure, median_ms
from eprunes.accounts import sessions
from eprunes.accounts.models import User
from eprunes.core.crypto import key_store, open_box, seal
from eprunes.core.database import new_id, tenant_session
from eprunes.core.tenant_statements import StatementChecker
from tests.support.worlds import AS_OF, make_world, open_session

REPEATED = 200


def measure(app: Flask) -> Iterator[Figure]:
    """Small figures, each the mean of many repetitions."""
    world = make_world()
    own = world.organisation_id
    statement = select(User).where(User.organisation_id == own, User.email == world.fleet)
    with tenant_session(own) as session:
        checker = StatementChecker(session, [])
        yield Figure("contrôle d'une requête simple", _each(lambda: checker.check(statement)))
        yield Figure("requête simple, contrôle compris", _each(lambda: session.scalars(statement).all()))
    token = open_session(world.fleet)
    yield Figure("session d'un utilisateur, lue à chaque requête", median_ms(lambda: sessions.actor_for(token, AS_OF)))
    [(_, key)] = key_store().create_keys(own, "mesure", AS_OF)
    row_id = new_id()
    box = seal(key, own, "drivers", row_id, {"nom": "x" * 300})
    yield Figure("boîte scellée de 300 caractères, ouverte", _each(lambda: open_box(key, own, "drivers", row_id, box)))


def _each(work) -> float:
    def many() -> None:
        for _ in range(REPEATED):
            work()

    return median_ms(many) / REPEATED
