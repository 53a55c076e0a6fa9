"""The daily job that tells people of notices by mail: one mail a day at most each, nothing when there is no news."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select, update

from eprunes.accounts.models import Identity, MailRhythm, Organisation, User, UserState
from eprunes.accounts.permissions import Actor, Permission
from eprunes.accounts.queries import living_organisations, order_forms
from eprunes.accounts.services.user_steps import lock
from eprunes.accounts.sessions import actor_of_user
from eprunes.accounts.tools import tools_on
from eprunes.core import audit, jobs, mail
from eprunes.core.calendar import paris_day
from eprunes.core.database import TenantSession, tenant_session
from eprunes.fines import alerts
from eprunes.fines.alerts import News, Pile
from eprunes.fines.answering import AnswerState, NoticeState
from eprunes.fines.catalogue import offences_for
from eprunes.fines.deadlines import ALERT_DAYS
from eprunes.fines.models import Answer, DriverRequest, Notice, NoticeKind
from eprunes.fines.proposals import Why, propose
from eprunes.fines.queries import View, count_of, visible_notices
from eprunes.fleet.models import Vehicle

DIGEST = "notice_digest"
_REASON = "récapitulatif des avis"
_WAITING = (NoticeState.TO_ANSWER, NoticeState.REFUSED, NoticeState.EXPIRED)
_CHUNK = 500
_INBOX, _MISSED = "/contraventions", f"/contraventions?vue={View.MISSED}"


@dataclass(frozen=True)
class Reader:
    """A person who may see notices at this moment, and since when whatever happened is news to them."""

    user: User
    actor: Actor

    @property
    def since(self) -> datetime:
        return self.user.told_at or self.user.created_at

    def was_told_on_day_of(self, as_of: datetime) -> bool:
        return self.user.told_at is not None and paris_day(self.user.told_at) >= paris_day(as_of)


def send_digests(as_of: datetime) -> Mapping[str, int]:
    """Tell everybody of the notices that they may see now, by counts. Harmless when repeated.

    While a contract is suspended its administrator alone is told (decision 10); once it is over, nobody (decision 9).
    """
    served = [one.id for one in living_organisations() if not one.is_over(as_of)]
    return jobs.per_organisation(served, lambda own: _tell(own, as_of))


def _tell(organisation_id: UUID, as_of: datetime) -> Counter:
    with tenant_session(organisation_id, write=True, platform_reason=_REASON) as session:
        organisation = lock(session)  # of two processes one tells; the other then sees that it did
        readers = [] if organisation.is_over(as_of) else _readers(session, organisation, as_of)
        waiting = [one for one in readers if not one.was_told_on_day_of(as_of)]
        if not waiting:
            return Counter()
        _note_announced(session, as_of)
        told = sum(_tell_one(session, one, as_of) for one in waiting)
        if told:
            _note_reminded(session, as_of)
            audit.record(session, "avis.rappeles", as_of=as_of, details={"personnes": told})
    return Counter(reminders=told)


def _tell_one(session: TenantSession, reader: Reader, as_of: datetime) -> bool:
    """Whether there was something to tell today. The first day of a week counts as told where there was nothing: what
    comes after it waits for the next one.
    """
    news, since = _news(session, reader, as_of), reader.since
    is_due = alerts.is_due(news, MailRhythm(reader.user.mail_rhythm), since, as_of)
    if is_due:
        _queue(session, reader, news, as_of)
    if is_due or alerts.is_first_of_week(since, as_of):
        reader.user.told_at = as_of
    return is_due


def _queue(session: TenantSession, reader: Reader, news: News, as_of: datetime) -> None:
    has_missed = news.overdue and reader.actor.may(Permission.VIEW_ARCHIVE)
    links = {"url": mail.link_to(_INBOX), "missed_url": mail.link_to(_MISSED) if has_missed else ""}
    news = {"lines": alerts.lines(news), "is_pressing": news.is_pressing, "is_overdue": bool(news.overdue)}
    about = {"to": reader.user.email, "organisation_id": session.organisation_id, "as_of": as_of}
    mail.queue(session, DIGEST, **about, **news, **links)


def _readers(session: TenantSession, organisation: Organisation, as_of: datetime) -> list[Reader]:
    """Active users who may see notices, blocked accounts left out; if nobody is left, the administrator all the same:
    a blocked account has a mailbox.
    """
    tools = tools_on(list(session.scalars(order_forms(session.organisation_id))), paris_day(as_of))
    same_person = and_(Identity.organisation_id == User.organisation_id, Identity.user_id == User.id)
    query = select(User, Identity).join(Identity, same_person).order_by(User.id)
    people = session.execute(query.where(User.organisation_id == session.organisation_id)).all()
    found, shut = [], []
    for user, identity in people:
        actor = actor_of_user(identity, organisation, user, tools)
        if actor is None or user.state != UserState.ACTIVE or not actor.may(Permission.VIEW_NOTICES):
            continue
        (found if identity.blocked_at is None else shut).append(Reader(user, actor))
    return found or [one for one in shut if one.actor.is_administrator]


def _news(session: TenantSession, reader: Reader, as_of: datetime) -> News:
    visible, since = visible_notices(reader.actor, as_of), reader.since
    piles = _piles(session, visible, since, as_of)
    own = {}
    if reader.actor.may(Permission.VIEW_ARCHIVE):
        _note_escalated(session, as_of)
        own["unknown"] = _counted(session, visible.where(_has_answer(AnswerState.UNKNOWN)))
        own["to_post"] = _counted(session, visible.where(_has_answer(AnswerState.TO_POST)))
        refused_since = Answer.replaces.is_not(None), Answer.settled_at > since
        own["corrections"] = _counted(session, visible.where(_has_answer(AnswerState.REFUSED, *refused_since)))
        own["filed"] = alerts.filed_nearing(_filed_piles(session, visible, as_of), since, as_of)
        own["unopened"] = _counted(session, visible.where(Notice.escalated_at > since, _never_opened()))
    if reader.actor.may(Permission.EDIT_FLEET):
        own["without_driver"] = _without_driver(session, visible.where(_waits(), Notice.announced_at > since))
    return News(
        new=alerts.newly_come(piles, as_of),
        nearing=alerts.nearing(piles, since, as_of),
        overdue=alerts.newly_overdue(piles, since, as_of),
        refused=alerts.newly_refused(piles),
        replied=_counted(session, visible.where(_waits(), _has_reply(since))),
        **own,
    )


def _piles(session: TenantSession, visible: Select, since: datetime, as_of: datetime) -> list[Pile]:
    """The notices without an answer that may be news, by what decides whether they are."""
    _, last_alerted = alerts.deadlines_at(min(ALERT_DAYS), as_of)
    in_question = Notice.deadline_on.between(paris_day(since), last_alerted)
    by = (Notice.deadline_on, Notice.state, Notice.announced_at, Notice.reminded_days)
    query = visible.where(_waits(), or_(Notice.announced_at > since, in_question))
    rows = session.execute(query.with_only_columns(*by, func.count()).group_by(*by))
    return [
        Pile(day, state == NoticeState.REFUSED, announced_at > since, reminded, count)
        for day, state, announced_at, reminded, count in rows
    ]


def _filed_piles(session: TenantSession, visible: Select, as_of: datetime) -> list[Pile]:
    """The notices that were filed though the law wants a driver, by their last day. Nothing is marked on them: once
    reopened, they are told of as if they never had been."""
    today, (_, last_alerted) = paris_day(as_of), alerts.deadlines_at(min(alerts.FILED_ALERTS), as_of)
    filed = Notice.is_answered.is_(False), Notice.state == NoticeState.FILED, Notice.kind == NoticeKind.OFFENCE
    by = (Notice.deadline_on, Notice.natinf, Notice.offence_day, Notice.designation_asked, Notice.filing_reason)
    query = visible.where(*filed, Notice.deadline_on.between(today, last_alerted))
    rows = session.execute(query.with_only_columns(*by, func.count()).group_by(*by)).all()
    lines = offences_for({(natinf, day) for _, natinf, day, *_ in rows}) if rows else {}
    return [
        Pile(last_day, False, False, max(ALERT_DAYS), count)
        for last_day, natinf, day, asked, reason, count in rows
        if alerts.is_filed_against_duty(reason, asked, getattr(lines.get((natinf, day)), "designation_required", None))
    ]


def _without_driver(session: TenantSession, coming: Select) -> int:
    """How many of these notices nobody can be proposed for, since nobody had the vehicle."""
    found, last = 0, None
    ordered = coming.where(Notice.vehicle_id.is_not(None)).order_by(Notice.id).limit(_CHUNK)
    while notices := session.scalars(ordered.where(Notice.id > last) if last else ordered).all():
        ids = {one.vehicle_id for one in notices}
        query = select(Vehicle).where(Vehicle.organisation_id == session.organisation_id, Vehicle.id.in_(ids))
        vehicles = {one.id: one for one in session.scalars(query)}
        found += sum(one.why is Why.NOBODY for one in propose(session, notices, vehicles).values())
        last = notices[-1].id
    return found


def _waits():
    return and_(Notice.is_answered.is_(False), Notice.state.in_(_WAITING))


def _never_opened():
    return and_(_waits(), Notice.first_opened_at.is_(None))


def _has_answer(state: AnswerState, *more):
    same = Answer.organisation_id == Notice.organisation_id, Answer.notice_id == Notice.id
    return select(Answer.id).where(*same, Answer.state == state, *more).exists()


def _has_reply(since: datetime):
    same = DriverRequest.organisation_id == Notice.organisation_id, DriverRequest.notice_id == Notice.id
    return select(DriverRequest.id).where(*same, DriverRequest.answered_at > since).exists()


def _counted(session: TenantSession, query: Select) -> int:
    return session.scalar(count_of(query))


def _note_announced(session: TenantSession, as_of: datetime) -> None:
    """From now on the notices that came are news. Marked before anything is counted: one that is stored in the
    meantime is neither, and has its turn tomorrow.
    """
    _mark(session, (Notice.announced_at.is_(None),), announced_at=as_of)


def _note_escalated(session: TenantSession, as_of: datetime) -> None:
    """As `_note_announced`, for what nobody opened in a week."""
    long_ago = Notice.posted_on <= paris_day(as_of) - alerts.UNOPENED_AFTER
    _mark(session, (Notice.escalated_at.is_(None), _never_opened(), long_ago), escalated_at=as_of)


def _note_reminded(session: TenantSession, as_of: datetime) -> None:
    for alert in ALERT_DAYS:
        reached = Notice.deadline_on.between(*alerts.deadlines_at(alert, as_of))
        _mark(session, (reached, Notice.reminded_days < alert), reminded_days=alert)


def _mark(session: TenantSession, which: Sequence, **values: object) -> None:
    own = Notice.organisation_id == session.organisation_id
    statement = update(Notice).where(own, _waits(), *which).values(**values)
    session.execute(statement.execution_options(synchronize_session=False))
