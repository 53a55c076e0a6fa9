"""The counters of notices (*chiffres*): how many came in, by month, site and offence, and what became of them.

They follow every change of a notice, in its own transaction, and outlive the notice (C4.3-f): they hold no driver, no
plate and no instant. A notice counts once as received and once as what it is now: designated, impossible, filed or
missed (its window closed without an answer that stands); the others wait. A late answer is no longer missed, an answer
that the agency refused counts no more. None of these functions commits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from eprunes.core.calendar import add_months, paris_day, start_of_day
from eprunes.core.chunks import chunks
from eprunes.core.database import TenantSession, new_id
from eprunes.fines import events
from eprunes.fines.answering import OPEN_STATES, AnswerState, NoticeState
from eprunes.fines.models import Answer, Channel, Notice, NoticeCount, NoticeEvent, NoticeKind
from eprunes.fleet.models import Assignment, Vehicle

FEWEST_DRIVERS = 5
"""Below so many drivers a site is not named: figures about it would be figures about persons."""
DRIVERS_OF_MONTHS = 12
PARKING_FEE = "FPS"
"""What stands for an offence where there is none."""
NUMBERS = ("received", "designated", "impossible", "filed", "in_time", "missed", "answer_days")
_OF_ANSWERS = {"designation": "designated", "impossibilite": "impossible"}


class Cell(NamedTuple):
    """Where a notice is counted: the first day of its month of posting, the site, the offence."""

    month: date
    site: str
    natinf: str


Tally = dict[Cell, Counter]
"""The numbers of some cells."""


def cell_of(
    *, posted_on: date, counted_site: str, natinf: str, kind: str = NoticeKind.OFFENCE, **others: object
) -> Cell:
    """The cell of a notice, by its columns; the others may come along."""
    return Cell(posted_on.replace(day=1), counted_site, PARKING_FEE if kind == NoticeKind.PARKING_FEE else natinf)


def note_received(session: TenantSession, cells: Iterable[Cell]) -> None:
    """Count new notices, one cell each: once for each notice that was stored."""
    _add(session, {cell: Counter(received=count) for cell, count in Counter(cells).items()})


@contextmanager
def follow(session: TenantSession, notices: Sequence[Notice]) -> Iterator[None]:
    """Whatever happens within the block to these notices, which are locked, their answers included, is counted."""
    before = tally(session, notices)
    yield
    session.flush()
    changes = tally(session, notices)
    for cell, numbers in before.items():
        changes.setdefault(cell, Counter()).subtract(numbers)
    _add(session, changes)


def tally(session: TenantSession, notices: Sequence[Notice]) -> Tally:
    """What these notices count for as they stand."""
    found: Tally = {}
    for some in chunks(notices):
        answers = _standing(session, [one.id for one in some if one.is_answered])
        missed = closed_unanswered(session, some)
        for notice in some:
            columns = {name: getattr(notice, name) for name in ("posted_on", "counted_site", "natinf", "kind")}
            cell = cell_of(**columns)
            numbers = _numbers(notice, answers.get(notice.id), notice.id in missed)
            found.setdefault(cell, Counter()).update(numbers)
    return found


def closed_unanswered(session: TenantSession, notices: Iterable[Notice]) -> set[UUID]:
    """Those whose window closed without an answer that stands, and whose thread says so already."""
    refused, found = [], set()
    for notice in notices:
        if notice.state == NoticeState.EXPIRED:
            found.add(notice.id)
        elif notice.state == NoticeState.REFUSED:
            refused.append(notice.id)
    return found | _refused_then_closed(session, refused)


def counted_sites(session: TenantSession, vehicle_ids: Iterable[UUID | None], as_of: datetime) -> dict[UUID, str]:
    """The site that each of these vehicles is counted under; none for those whose site has too few drivers.

    A site's drivers are those who hold a vehicle of it, or have held one in the last twelve months.
    """
    wanted = {one for one in vehicle_ids if one}
    if not wanted:
        return {}
    mine = Vehicle.organisation_id == session.organisation_id
    placed = session.execute(select(Vehicle.id, Vehicle.site).where(mine, Vehicle.id.in_(wanted), Vehicle.site != ""))
    sites = dict(placed.all())
    known = _sites_of_many(session, set(sites.values()), as_of)
    return {vehicle_id: site for vehicle_id, site in sites.items() if site in known}


def _sites_of_many(session: TenantSession, sites: set[str], as_of: datetime) -> set[str]:
    since = start_of_day(add_months(paris_day(as_of), -DRIVERS_OF_MONTHS))
    same = Vehicle.organisation_id == Assignment.organisation_id, Vehicle.id == Assignment.vehicle_id
    query = (
        select(Vehicle.site)
        .join(Assignment, (same[0]) & (same[1]))
        .where(
            Vehicle.organisation_id == session.organisation_id,
            Vehicle.site.in_(sites),
            Assignment.starts_at <= as_of,
            or_(Assignment.ends_at.is_(None), Assignment.ends_at > since),
        )
        .group_by(Vehicle.site)
        .having(func.count(Assignment.driver_id.distinct()) >= FEWEST_DRIVERS)
    )
    return set(session.scalars(query))


def _numbers(notice: Notice, answer: tuple[str, date] | None, is_missed: bool) -> Counter:
    numbers = Counter(received=1)
    if answer is not None:
        kind, day = answer
        numbers[_OF_ANSWERS[kind]] += 1
        numbers["in_time"] += day <= notice.deadline_on
        numbers["answer_days"] += (day - notice.posted_on).days
    elif notice.state == NoticeState.FILED:
        numbers["filed"] += 1
    elif is_missed and notice.kind != NoticeKind.PARKING_FEE:
        numbers["missed"] += 1
    return numbers


def _standing(session: TenantSession, notice_ids: list[UUID]) -> dict[UUID, tuple[str, date]]:
    """Of each answered notice, the kind of the answer that stands and the Paris day it was first given: a correction
    makes no answer late, and a letter is none before it is posted."""
    if not notice_ids:
        return {}
    columns = Answer.id, Answer.notice_id, Answer.kind, Answer.state, Answer.replaces, Answer.confirmed_at
    of_letters = Answer.channel, Answer.receipt_at
    mine = Answer.organisation_id == session.organisation_id, Answer.notice_id.in_(notice_ids)
    answers = {one.id: one for one in session.execute(select(*columns, *of_letters).where(*mine))}
    found = {}
    for answer in answers.values():
        if AnswerState(answer.state) in OPEN_STATES - {AnswerState.TO_POST}:
            first = answer
            while first.replaces in answers:
                first = answers[first.replaces]
            given_at = first.receipt_at if first.channel == Channel.LETTER else first.confirmed_at
            found[answer.notice_id] = answer.kind, paris_day(given_at)
    return found


def _refused_then_closed(session: TenantSession, notice_ids: list[UUID]) -> set[UUID]:
    """Of these, those whose thread tells last, of the two, that the window has closed."""
    if not notice_ids:
        return set()
    query = (
        select(NoticeEvent.notice_id, NoticeEvent.kind)
        .where(
            NoticeEvent.organisation_id == session.organisation_id,
            NoticeEvent.notice_id.in_(notice_ids),
            NoticeEvent.kind.in_((events.REFUSED, events.EXPIRED)),
        )
        .order_by(NoticeEvent.at, NoticeEvent.id)
    )
    last = dict(session.execute(query).all())
    return {notice_id for notice_id, kind in last.items() if kind == events.EXPIRED}


def _add(session: TenantSession, changes: Tally) -> None:
    """One statement, cells in order: two writers never wait for each other."""
    own = session.organisation_id
    rows = [
        {"organisation_id": own, "id": new_id(), **cell._asdict(), **{name: numbers[name] for name in NUMBERS}}
        for cell, numbers in sorted(changes.items())
        if any(numbers.values())
    ]
    insert = postgresql.insert if session.bind.dialect.name == "postgresql" else sqlite.insert
    for some in chunks(rows):
        statement = insert(NoticeCount.__table__).values(some)
        more = {name: NoticeCount.__table__.c[name] + statement.excluded[name] for name in NUMBERS}
        where = [NoticeCount.organisation_id, NoticeCount.month, NoticeCount.site, NoticeCount.natinf]
        session.execute(statement.on_conflict_do_update(index_elements=where, set_=more))
