"""The notices: taking them in, the inbox, one notice's page, who probably drove."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bench.installations import tidy
from bench.measures import Figure, duration_ms, median_ms
from bench.requests import page
from bench.setting import Setting
from eprunes.antai import messages
from eprunes.core.database import tenant_session
from eprunes.core.wording import number
from eprunes.fines import catalogue
from eprunes.fines.inbox import PAGE_SIZE
from eprunes.fines.models import Notice
from eprunes.fines.notice_rows import vehicles_of
from eprunes.fines.proposals import propose
from eprunes.fines.receiving import Incoming, receive
from tests.support.fleet import offence_record

BATCH = 500
PROPOSED = 10_000
INBOX_MS, PROPOSALS_MS = 20, 3_000
PARIS = ZoneInfo("Europe/Paris")


def measure(setting: Setting) -> Iterator[Figure]:
    """The figures of the notices, all of them waiting for an answer."""
    size, runs = setting.size, setting.size.runs
    catalogue.load()
    durations = [duration_ms(batch) for batch in _batches(setting)]
    tidy()
    yield Figure(f"recevoir {min(BATCH, size.notices)} avis", median(durations))
    inbox = page(setting.app, setting.token, "/contraventions")
    yield Figure(f"boîte de {number(size.notices)} avis, page de {PAGE_SIZE}", median_ms(inbox, runs=runs), INBOX_MS)
    boss = page(setting.app, setting.administrator_token, "/contraventions")
    yield Figure("la même, pour l’administrateur", median_ms(boss, runs=runs), INBOX_MS)
    yield Figure("page d’un avis, ouverture notée", median_ms(_notices(setting), runs=runs))
    proposed = min(PROPOSED, size.notices)
    name = f"proposer un conducteur pour {number(proposed)} avis"
    yield Figure(name, median_ms(_proposals(setting, proposed), runs=runs), PROPOSALS_MS)


def _batches(setting: Setting) -> Iterator[Callable[[], object]]:
    """Receive every notice, by batches; one vehicle has several where there are more notices than vehicles."""
    vehicles = cycle(setting.vehicles())
    for start in range(0, setting.size.notices, BATCH):
        as_of = setting.as_of - timedelta(days=start // BATCH % 40)
        on = as_of.astimezone(PARIS) - timedelta(days=3)
        dates = {"dateHeureInfraction": f"{on:%Y-%m-%dT%H:%M}:00", "dateAco": f"{as_of:%Y-%m-%d}"}
        incoming = [
            Incoming(messages.read_offence(offence_record(plate, **dates)), vehicle_id)
            for vehicle_id, plate in (next(vehicles) for _ in range(min(BATCH, setting.size.notices - start)))
        ]
        yield lambda batch=incoming, at=as_of: receive(setting.organisation_id, batch, at)


def _proposals(setting: Setting, count: int) -> Callable[[], object]:
    """Propose a driver for each of so many notices: read with their vehicles, then looked up."""
    own = setting.organisation_id
    first = select(Notice).where(Notice.organisation_id == own).order_by(Notice.id).limit(count)

    def look_up() -> dict:
        with tenant_session(own) as session:
            notices = session.scalars(first).all()
            proposals = propose(session, notices, vehicles_of(session, notices))
        if len(proposals) != count:
            raise RuntimeError(f"{len(proposals)} proposals for {count} notices")
        return proposals

    return look_up


def _notices(setting: Setting) -> Callable[[], bytes]:
    """Open the page of another notice each time."""
    query = select(Notice.id).where(Notice.organisation_id == setting.organisation_id)
    with tenant_session(setting.organisation_id) as session:
        notice_ids = cycle(session.scalars(query.order_by(Notice.id)).all())
    return lambda: page(setting.app, setting.token, f"/contraventions/{next(notice_ids)}")()
