"""A hundred drivers designated in four gestures at most: everything found, the check, the agreement."""

from datetime import timedelta
from types import SimpleNamespace
from uuid import UUID

from sqlalchemy import func, select

from eprunes.antai import messages
from eprunes.core import clock
from eprunes.core.database import tenant_session
from eprunes.fines import catalogue
from eprunes.fines.models import Answer
from eprunes.fines.receiving import Incoming, receive
from eprunes.fleet.models import Assignment, Driver, Vehicle
from tests.fleet.fleets import fill
from tests.support.fleet import offence_record

MANY, MOST_GESTURES = 100, 4


def filled(platform, domain: str) -> UUID:
    """The id of a new client with a hundred notices, each of a vehicle that somebody held then."""
    own, now = platform.add_organisation(domain), clock.now()
    complete = select(Driver.id).where(Driver.organisation_id == own, Driver.is_designable.is_(True))
    still = Assignment.organisation_id == own, Assignment.ends_at.is_(None), Assignment.driver_id.in_(complete)
    held = select(Vehicle.id, Vehicle.plate_key).where(
        Vehicle.organisation_id == own,
        Vehicle.id.in_(select(Assignment.vehicle_id).where(*still)),
    )
    told = {"dateHeureInfraction": f"{now - timedelta(days=5):%Y-%m-%dT12:00}:00", "dateAco": f"{now:%Y-%m-%d}"}
    with platform.opened():
        catalogue.load()
        fill(SimpleNamespace(organisation_id=own), vehicle_count=160, driver_count=40, as_of=now)
        with tenant_session(own) as session:
            vehicles = session.execute(held.limit(MANY)).all()
        records = [(one.id, offence_record(one.plate_key, **told)) for one in vehicles]
        receive(own, [Incoming(messages.read_offence(record), vehicle_id) for vehicle_id, record in records], now)
    return own


def designated(own: UUID) -> int:
    """How many notices were answered, whatever the agency has said since."""
    with tenant_session(own) as session:
        return session.scalar(select(func.count(Answer.notice_id.distinct())).where(Answer.organisation_id == own))


def test_a_hundred_drivers_are_designated_in_four_gestures_at_most(platform, sign_in):
    """C4.3-c"""
    own = filled(platform, "cent.example")
    page = sign_in("amendes@cent.example")
    page.goto("/contraventions")
    gestures = [
        lambda: page.get_by_label("Tous ceux de la liste").check(),
        lambda: page.get_by_role("button", name="Désigner les conducteurs proposés (100)").click(),
        lambda: page.get_by_role("button", name="Confirmer 100 désignations").click(),
    ]
    for one in gestures:
        one()
    page.get_by_role("heading", name="100 conducteurs désignés, 0 avis non traité").wait_for()
    assert len(gestures) <= MOST_GESTURES
    with platform.opened():
        assert designated(own) == MANY
