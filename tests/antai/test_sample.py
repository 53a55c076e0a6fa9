"""The whole sample through the agency's process: who is proposed for each of its offences."""

import json

from sqlalchemy import select

from demo import offences
from eprunes.antai import jobs
from eprunes.core.calendar import paris_day
from eprunes.core.crypto import key_store
from eprunes.core.database import tenant_session
from eprunes.fines.notice_details import open_notices
from eprunes.fines.notice_rows import vehicles_of
from eprunes.fines.proposals import Why, propose
from eprunes.fleet.models import Driver
from tests.demo.test_offences import assignments, holders
from tests.support import fleet
from tests.support.worlds import make_world


def test_every_offence_that_lies_in_one_assignment_is_proposed_to_its_driver(app, agency, now, tmp_path):
    """C4.3-a, C4.3-b, C4.3-c: 100 %; and nobody is proposed for the others."""
    world = make_world(0, vehicles=240, as_of=now)
    days, workbook = offences.days_until(paris_day(now), offences.sample()), tmp_path / "parc.xlsx"
    records = [offences.moved(one, days) for one in offences.sample()]
    offences.write_fleet(workbook, days)
    command = ["import", "fleet", str(workbook), "--organisation", world.number, "--confirm", "--json"]
    assert json.loads(app.test_cli_runner().invoke(args=command).output)["applied"] is True
    jobs.declare_vehicles(now)
    agency.post(*({**one, "dateAco": str(now.date())} for one in records))
    assert jobs.fetch_notices(now)["read"] == len(records)

    held = assignments(workbook)
    expected = {one["numeroAco"]: holders(held, one) for one in records}
    proposed = _proposed(world.organisation_id)
    alone = {number: staff[0] for number, staff in expected.items() if len(staff) == 1}
    right = sum(proposed.get(number) == staff for number, staff in alone.items())
    share = f"{right} avis proposés au bon conducteur sur {len(alone)}"
    assert share == "152 avis proposés au bon conducteur sur 152"
    assert {proposed[number] for number, staff in expected.items() if not staff and number in proposed} <= {None}


def _proposed(organisation_id) -> dict[str, str | None]:
    """The staff number of the driver proposed, by notice number."""
    notices = fleet.notices(organisation_id)
    with tenant_session(organisation_id) as session:
        proposals = propose(session, notices, vehicles_of(session, notices))
        everyone = select(Driver.id, Driver.staff_number).where(Driver.organisation_id == organisation_id)
        staff = dict(session.execute(everyone).all())
    assert all((one.driver_id is not None) == (one.why is Why.HELD) for one in proposals.values())
    details = open_notices(key_store(), notices)
    return {details[one.id].number: staff.get(proposals[one.id].driver_id) for one in notices}
