"""Bulk designations: asked for, looked at, agreed to and done."""

from collections.abc import Iterator

from bench.measures import Figure, duration_ms
from bench.setting import Setting
from eprunes.core import work
from eprunes.core.database import tenant_session
from eprunes.core.wording import number
from eprunes.fines.bulk import tasks
from eprunes.fines.bulk.selection import Selection
from eprunes.fines.models import Notice
from eprunes.fines.queries import is_ready, visible_notices
from eprunes.long_work import HANDLERS

DESIGNATED, DESIGNATE_MS = 1_000, 5_000


def measure(setting: Setting) -> Iterator[Figure]:
    """Once only: what was designated is no longer to do."""
    wanted = min(DESIGNATED, setting.size.notices // 4)
    ready = visible_notices(setting.actor, setting.as_of).where(is_ready(setting.as_of)).limit(wanted)
    with tenant_session(setting.organisation_id) as session:
        chosen = tuple(session.scalars(ready.with_only_columns(Notice.id)))
    ms = duration_ms(lambda: _designate(setting, chosen))
    yield Figure(f"désigner {number(len(chosen))} conducteurs d’un coup, vérification comprise", ms, DESIGNATE_MS)


def _designate(setting: Setting, chosen: tuple) -> None:
    own, asked = setting.organisation_id, {"actor": setting.actor, "as_of": setting.as_of}
    bulk_id = tasks.start_bulk(selection=Selection(chosen, None, len(chosen)), **asked)
    work.run_due(own, HANDLERS, setting.as_of)
    tasks.confirm_bulk(bulk_id=bulk_id, **asked)
    work.run_due(own, HANDLERS, setting.as_of)
    with tenant_session(own) as session:
        if len(tasks.find_bulk(session, setting.actor, bulk_id, setting.as_of).done) != len(chosen):
            raise RuntimeError("not every driver was designated")
