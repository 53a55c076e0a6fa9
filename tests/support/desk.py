"""A notice on somebody's desk, who probably drove, and the form that designates them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from eprunes.core.database import tenant_session
from eprunes.fines import catalogue, receiving
from eprunes.fines.models import Notice
from eprunes.fines.notice_details import NoticeDetails, ReceivedNotice
from eprunes.fines.offence_time import read_offence_time
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.services.assignments import assign
from eprunes.fleet.services.drivers import add_driver
from eprunes.fleet.services.vehicles import VehicleDetails, add_vehicle
from tests.support.worlds import AS_OF, actor

DUMAS = DriverDetails(
    civility="Mme",
    last_name="Dumas",
    first_name="Caroline",
    birth_date=date(1974, 12, 29),
    address_line="12, rue des Tests",
    postcode="84104",
    city="Saint-Gérard",
    licence_number="269134022100",
)
OFFENCE_TEXT = "2026-02-20T20:47:00"


@pytest.fixture
def desk(world):
    """One vehicle held by Caroline Dumas since January, and one notice posted ten days ago."""
    catalogue.load()
    boss, before = actor(world.admin), AS_OF - timedelta(days=60)
    vehicle_id = add_vehicle(
        actor=boss,
        details=VehicleDetails(plate="FY-074-KE", make="Renault", model="Clio", entered_at=before),
        as_of=AS_OF,
    )
    driver_id = add_driver(actor=boss, details=DUMAS, staff_number="E1", kind="prepose", as_of=AS_OF)
    assign(actor=boss, vehicle_id=vehicle_id, driver_id=driver_id, starts_at=before, as_of=AS_OF)
    notice_id = post_notice(world, vehicle_id, "8272760796")
    return world, vehicle_id, driver_id, notice_id


def post_notice(
    world, vehicle_id, number, *, offence=OFFENCE_TEXT, posted_at=AS_OF - timedelta(days=10), natinf="25386"
):
    details = NoticeDetails(
        number=number, plate="FY074KE", country="FR", place="A6 PR 12+300", city="Menard", postcode="48279",
        speed_limit=50, speed_retained=59, speed_measured=64, raw={"numeroAco": number},
    )  # fmt: skip
    received = ReceivedNotice(natinf, read_offence_time(offence, "48279"), date(2026, 2, 22), details)
    receiving.receive(world.organisation_id, [receiving.Incoming(received, vehicle_id)], posted_at)
    with tenant_session(world.organisation_id) as session:
        query = select(Notice.id).where(Notice.organisation_id == world.organisation_id)
        return session.scalars(query.order_by(Notice.posted_at.desc(), Notice.id.desc())).first()


def designation_of(driver_id, **changes):
    typed = {
        "driver_id": str(driver_id or ""), "kind": "prepose", "civility": "Mme", "last_name": "Dumas",
        "first_name": "Caroline", "birth_date": "1974-12-29", "address_line": "12, rue des Tests",
        "postcode": "84104", "city": "Saint-Gérard", "country": "FR", "licence_number": "269134022100",
        "licence_country": "FR",
    }  # fmt: skip
    return typed | changes
