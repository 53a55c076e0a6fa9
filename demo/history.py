"""The months before today, lived through the product's own operations against the agency's clock of each day.

Vehicles are declared, notices fetched and answers sent exactly as the clock process does it; only the day differs.
"""

from datetime import date, datetime, timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import select

from demo import accounts, agency
from demo.offences import Arrival, FirstAnswer
from demo.places import DemoRefused, Place
from eprunes.accounts import sessions
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import signing_in
from eprunes.antai import client, messages
from eprunes.antai import jobs as antai
from eprunes.core.calendar import paris_day, start_of_day
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.core.jobs import FAILED
from eprunes.fines.answering import FilingReason, ImpossibilityReason, NoticeState
from eprunes.fines.models import Notice
from eprunes.fines.notice_details import open_notices
from eprunes.fines.queries import visible_notices
from eprunes.fines.services import designating, filing
from eprunes.fines.services.designating import Proof
from eprunes.fleet.driver_details import DriverDetails, open_details
from eprunes.fleet.driver_rules import tidied
from eprunes.fleet.models import Driver, DriverKind
from eprunes.fleet.queries import holders_at_many

POSTED_AT, ANSWERED_AT = timedelta(hours=10), timedelta(days=1, hours=15)
STRANGE_PLATE = "ZZ999ZZ"
"""A plate that the agency knows and no client declared: its offence ends in the operator's list."""


def live(place: Place, arrivals: list[Arrival], today: date) -> None:
    """Live each arrival's day and the day after, oldest first."""
    for arrival in arrivals:
        day = start_of_day(today - timedelta(days=arrival.days_ago))
        _receive(place, arrival, day + POSTED_AT)
        _answer(place, arrival, day + ANSWERED_AT)


def strange_offence(model: dict) -> dict:
    """The offence of a vehicle that nobody declared here, on the model of another."""
    return {**model, "numeroAco": "9100000001", "immatriculation": STRANGE_PLATE}


def unreadable_offence(model: dict) -> dict:
    """An offence of another century: the platform can't read its date and asks the operator."""
    return {**model, "numeroAco": "9100000002", "dateHeureInfraction": "1926-03-03T08:00:00"}


def declare_strange_vehicle() -> None:
    """Make a vehicle known to the agency without the platform, as on the agency's own site."""
    vehicle = messages.vehicle_record(plate_key=STRANGE_PLATE, country="FR", make="RENAULT", model="CLIO")
    client.agency().add_vehicles(vehicles=[vehicle])


def _receive(place: Place, arrival: Arrival, instant: datetime) -> None:
    with agency.open_on(place, instant):
        agency.load(place, arrival.records)
        for step in (antai.declare_vehicles, antai.fetch_notices):
            _require_success(step(instant))


def _answer(place: Place, arrival: Arrival, instant: datetime) -> None:
    started = monotonic()
    with agency.open_on(place, instant):
        if arrival.first is FirstAnswer.REFUSED:
            agency.refuse_next_answer(place)
        actor = _sign_in(accounts.FINES.email, instant)
        _designate_all_but(actor, arrival, instant)
        sessions.end_session(actor.session_hash, instant)
        _require_success(antai.send_answers(instant + timedelta(seconds=monotonic() - started)))


def _sign_in(email: str, as_of: datetime) -> Actor:
    token = signing_in.sign_in(
        email=email, password=accounts.PASSWORD, address="127.0.0.1", device="Démonstration", as_of=as_of
    )
    return sessions.actor_for(token, as_of, demo=True)


def _designate_all_but(actor: Actor, arrival: Arrival, as_of: datetime) -> None:
    ready = _ready_notices(actor, {one["numeroAco"] for one in arrival.records}, as_of)
    first = arrival.first
    for notice_id, driver, details in ready[: max(len(arrival.records) - arrival.waiting, 0)]:
        if first is FirstAnswer.STOLEN:
            _report_theft(actor, notice_id, as_of)
        elif first is FirstAnswer.PAID:
            filing.file_notice(actor, notice_id, reason=FilingReason.PAID, as_of=as_of)
        else:
            _designate(actor, notice_id, driver, details, as_of)
        first = FirstAnswer.DESIGNATED


def _ready_notices(actor: Actor, numbers: set[str], as_of: datetime) -> list[tuple[UUID, Driver, DriverDetails]]:
    """The notices of this arrival with the one driver to designate, complete, in the order of the offences."""
    with tenant_session(actor.organisation_id) as session:
        query = visible_notices(actor, as_of).where(Notice.state == NoticeState.TO_ANSWER)
        notices = list(session.scalars(query.order_by(Notice.offence_at, Notice.id)))
        held = holders_at_many(session, actor.organisation_id, [(one.vehicle_id, one.offence_at) for one in notices])
        complete = select(Driver).where(Driver.organisation_id == actor.organisation_id, Driver.is_designable.is_(True))
        drivers = {one.id: one for one in session.scalars(complete)}
    contents, details = open_notices(key_store(), notices), open_details(key_store(), drivers.values())
    holders = ((one, held.get((one.vehicle_id, one.offence_at))) for one in notices)
    return [
        (notice.id, drivers[holder.driver_id], details[holder.driver_id])
        for notice, holder in holders
        if holder and holder.driver_id in drivers and contents[notice.id].number in numbers
        if not tidied(details[holder.driver_id], paris_day(as_of))[1]
    ]


def _designate(actor: Actor, notice_id: UUID, driver: Driver, details: DriverDetails, as_of: datetime) -> None:
    designating.designate(
        actor,
        notice_id,
        driver_id=driver.id,
        kind=DriverKind(driver.kind),
        details=details,
        keep_in_fleet=False,
        as_of=as_of,
    )


def _report_theft(actor: Actor, notice_id: UUID, as_of: datetime) -> None:
    reason = ImpossibilityReason.THEFT
    complaint = Proof(reason.requirements.proofs[0], "PV 2026/004512", (as_of - timedelta(days=9)).date())
    told = {"comment": "Volé la veille sur le parking, clés en main du conducteur.", "proofs": [complaint]}
    designating.report_impossibility(actor, notice_id, reason=reason, **told, as_of=as_of)


def _require_success(counts: dict) -> None:
    if counts.get(FAILED):
        raise DemoRefused(f"L’historique n’a pas pu être chargé\u00a0: {dict(counts)}.")
