"""Looks at each notice of a bulk designation: what would be declared of it, or why nothing can be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import select

from eprunes.accounts.permissions import Actor
from eprunes.core.calendar import local_day
from eprunes.core.crypto import fingerprint, key_store
from eprunes.core.database import TenantSession
from eprunes.fines.answering import AnswerState
from eprunes.fines.asking.driver_requests import denials_among
from eprunes.fines.bulk import readiness
from eprunes.fines.models import Answer, Notice
from eprunes.fines.notice_versions import version_of
from eprunes.fines.proposals import Proposal, propose
from eprunes.fines.queries import visible_notices
from eprunes.fleet.driver_details import DriverDetails, open_details, to_json
from eprunes.fleet.models import Driver, Vehicle

GONE = "Cet avis n’est plus ouvert à votre compte\u00a0: une réponse vient d’être donnée, ou son délai est passé."


class Seen(NamedTuple):
    """Fingerprints of all that a designation rests on, by which what was agreed to is known again."""

    notice: str
    driver: str
    details: str


MOVED = Seen(
    "L’avis a changé depuis la vérification\u00a0: vérifiez-le de nouveau.",
    "Le conducteur proposé n’est plus le même depuis la vérification\u00a0: vérifiez-le de nouveau.",
    "La fiche du conducteur a changé depuis la vérification\u00a0: vérifiez-la de nouveau.",
)


@dataclass(frozen=True)
class Ready:
    """A designation that can be confirmed as it stands."""

    notice: Notice
    driver: Driver
    details: DriverDetails
    seen: Seen


@dataclass(frozen=True)
class Verdict:
    """What was found of some notices, by id: those that are ready, and why the others are not."""

    ready: dict[UUID, Ready]
    reasons: dict[UUID, str]
    notices: dict[UUID, Notice]


@dataclass(frozen=True)
class _Scene:
    """What is looked at beside the notices: what is proposed for each, to which the agency said no, which driver said
    that it was not them, and the drivers."""

    proposals: Mapping[UUID, Proposal]
    refused: set[UUID]
    denied: set[tuple[UUID, UUID]]
    drivers: Mapping[UUID, Driver]
    people: Mapping[UUID, DriverDetails]


def look_at(
    session: TenantSession, actor: Actor, notice_ids: Sequence[UUID], as_of: datetime, *, lock: bool = False
) -> Verdict:
    """The verdict on these notices; with `lock` they and their drivers stay as they are until the transaction ends."""
    query = visible_notices(actor, as_of).where(Notice.id.in_(notice_ids)).order_by(Notice.id)
    notices = {one.id: one for one in session.scalars(query.with_for_update() if lock else query)}
    scene = _scene(session, list(notices.values()), lock)
    today, index_key = local_day(as_of, actor.zone), key_store().index_key(actor.organisation_id)
    ready, reasons = {}, {}
    for notice_id in notice_ids:
        notice = notices.get(notice_id)
        if notice is None:
            reasons[notice_id] = GONE
            continue
        proposal = scene.proposals[notice_id]
        details = scene.people.get(proposal.driver_id)
        reasons[notice_id] = (
            readiness.of_notice(notice, notice_id in scene.refused, as_of)
            or readiness.of_proposal(proposal, (notice_id, proposal.driver_id) in scene.denied)
            or readiness.of_driver(details, today, notice.offence_day)
        )
        if not reasons[notice_id]:
            driver = scene.drivers[proposal.driver_id]
            ready[notice_id] = Ready(notice, driver, details, _seen(index_key, notice, driver, details))
            del reasons[notice_id]
    return Verdict(ready, reasons, notices)


def moved(agreed: Seen, now: Seen) -> str:
    """What has changed since somebody agreed; empty when nothing has."""
    return next((told for told, before, after in zip(MOVED, agreed, now, strict=True) if before != after), "")


def _scene(session: TenantSession, notices: list[Notice], lock: bool) -> _Scene:
    own = session.organisation_id
    vehicle_ids = {one.vehicle_id for one in notices if one.vehicle_id}
    query = select(Vehicle).where(Vehicle.organisation_id == own, Vehicle.id.in_(vehicle_ids))
    proposals = propose(session, notices, {one.id: one for one in session.scalars(query)})
    ids = [one.id for one in notices]
    refused = select(Answer.notice_id).where(
        Answer.organisation_id == own, Answer.notice_id.in_(ids), Answer.state == AnswerState.REFUSED
    )
    driver_ids = {one.driver_id for one in proposals.values() if one.driver_id}
    people = select(Driver).where(Driver.organisation_id == own, Driver.id.in_(driver_ids)).order_by(Driver.id)
    drivers = session.scalars(people.with_for_update() if lock else people).all()
    opened = open_details(key_store(), drivers)
    said_no, by_id = set(session.scalars(refused)), {one.id: one for one in drivers}
    return _Scene(proposals, said_no, denials_among(session, ids), by_id, opened)


def _seen(index_key: bytes, notice: Notice, driver: Driver, details: DriverDetails) -> Seen:
    parts = Seen(
        version_of(notice),
        f"{driver.id}:{driver.kind}",
        orjson.dumps(to_json(details), option=orjson.OPT_SORT_KEYS).decode(),
    )
    return Seen(*(fingerprint(index_key, f"designation:{one}").hex()[:32] for one in parts))
