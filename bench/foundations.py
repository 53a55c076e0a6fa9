"""What every request pays: the tenant checks, the session in the cookie, a sealed box."""

from collections.abc import Callable, Iterator

from sqlalchemy import select

from bench.measures import Figure, median_ms
from bench.setting import Setting
from eprunes.accounts import sessions
from eprunes.accounts.models import User
from eprunes.core.crypto import key_store, open_box, seal
from eprunes.core.database import new_id, tenant_session
from eprunes.core.tenant_statements import StatementChecker

REPEATED = 100


def measure(setting: Setting) -> Iterator[Figure]:
    """Small figures, each the mean of many repetitions."""
    own, runs = setting.organisation_id, setting.size.runs
    statement = select(User).where(User.organisation_id == own, User.email == setting.actor.email)
    with tenant_session(own) as session:
        checker = StatementChecker(session, [])
        yield Figure("contrôle d’une requête simple", _each(lambda: checker.check(statement), runs))
        ms = _each(lambda: session.scalars(statement).all(), runs)
        yield Figure("requête simple, contrôle compris", ms)
    ms = median_ms(lambda: sessions.actor_for(setting.token, setting.as_of), runs=runs)
    yield Figure("contrôle de session", ms)
    [(_, key)] = key_store().create_keys(own, "mesure", setting.as_of)
    row_id = new_id()
    box = seal(key, own, "drivers", row_id, {"nom": "x" * 300})
    yield Figure("ouvrir une boîte de 300 caractères", _each(lambda: open_box(key, own, "drivers", row_id, box), runs))


def _each(work: Callable[[], object], runs: int) -> float:
    def many() -> None:
        for _ in range(REPEATED):
            work()

    return median_ms(many, runs=runs) / REPEATED
