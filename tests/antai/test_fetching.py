"""Offences read from the agency's process: each ends in a client's inbox or in the list to examine (C4.3-a)."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eprunes.accounts.services import clients
from eprunes.antai import fetching, jobs, review
from eprunes.antai.client import AgencyUnavailable
from eprunes.core.crypto import key_store
from eprunes.fines.notice_details import open_notices
from tests.support import fleet, worlds

SAMPLE = Path(__file__).parents[2] / "demo" / "infractions-transports-durand.json"
OUTCOMES = ("new", "known", "destroyed", "to_review", "in_review", "outside_contract", "failed")


def sample(now: datetime) -> list[dict]:
    """The whole sample file, every notice dated today so that the agency posts it."""
    return [{**one, "dateAco": str(now.date())} for one in json.loads(SAMPLE.read_text(encoding="utf-8"))]


def shared_out(records: list[dict], *organisation_ids) -> Counter:
    """Each client has every third plate of these records, nobody the last third; how many records each gets."""
    owners = {}
    for index, plate in enumerate(sorted({one["immatriculation"] for one in records})):
        owners[plate] = organisation_ids[index % 3] if index % 3 < len(organisation_ids) else None
        if owners[plate]:
            fleet.note_declared(owners[plate], fleet.add_vehicle(owners[plate], plate), plate)
    return Counter(owners[one["immatriculation"]] for one in records)


def outcomes(counts: dict) -> int:
    return sum(counts.get(name, 0) for name in OUTCOMES)


def numbers_of(organisation_id) -> list[str]:
    """The numbers of the notices stored for a client."""
    return sorted(one.number for one in open_notices(key_store(), fleet.notices(organisation_id)).values())


@pytest.mark.parametrize(
    ("fault", "details", "extra"),
    [
        (None, {}, 0),
        ("malformed", {}, 4),
        ("duplicate", {}, 100),
        ("out_of_order", {"times": 2}, 40),
        ("slow_pages", {"seconds": 0.2, "times": 2}, 0),
        ("expired_token", {}, 0),
    ],
)
def test_every_record_of_the_sample_ends_somewhere_and_once(world, other_world, agency, now, fault, details, extra):
    """C4.3-a."""
    records = sample(now)
    expected = shared_out(records, world.organisation_id, other_world.organisation_id)
    agency.post(*records)
    if fault:
        agency.fault(fault, path="/flotteconventionnee/infractions", **details)

    counts = jobs.fetch_notices(now)
    again = jobs.fetch_notices(now + timedelta(minutes=1))

    mine = [len(fleet.notices(one.organisation_id)) for one in (world, other_world)]
    assert agency.faults_left() == []
    assert mine == [expected[world.organisation_id], expected[other_world.organisation_id]]
    assert counts["read"] == len(records) + extra == outcomes(counts)
    assert counts["new"] == sum(mine)
    assert counts["to_review"] == review.count_waiting() == expected[None] + (4 if fault == "malformed" else 0)
    assert again["read"] == len(records) == outcomes(again)
    assert (again["known"], again["in_review"]) == (sum(mine), expected[None])


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ("503", "/flotteconventionnee/infractions"),
        ("reset", "/flotteconventionnee/infractions"),
        ("hang", "/flotteconventionnee/infractions"),
        ("503", "/api/login"),
        ("reset", "/api/init"),
    ],
)
def test_an_outage_is_told_and_the_next_reading_gets_everything(world, agency, now, impatient, fault, path):
    plates = [fleet.new_plate() for _ in range(3)]
    for plate in plates:
        fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)
    agency.post(*[fleet.offence_record(plate, dateAco=str(now.date())) for plate in plates])
    agency.fault(fault, path=path, **({"seconds": 2} if fault == "hang" else {}))

    broken = jobs.fetch_notices(now)
    mended = jobs.fetch_notices(now)

    assert (broken["agency_unavailable"], broken["failed"], broken["new"]) == (1, 1, 0)
    assert (mended["read"], mended["new"], mended["failed"]) == (3, 3, 0)


def test_what_was_read_before_an_outage_stays(world, agency, now):
    records = [fleet.offence_record(fleet.new_plate(), dateAco=str(now.date())) for _ in range(101)]
    for one in records:
        plate = one["immatriculation"]
        fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)
    agency.post(*records)
    client, admitted = agency.client(), {world.organisation_id}

    pages = client.offence_pages()
    fetching.take_in(next(pages), admitted, now)
    agency.fault("503", path="/flotteconventionnee/infractions")
    with pytest.raises(AgencyUnavailable):
        next(pages)
    counts = fetching.fetch(agency.client(), now)

    assert (counts["read"], counts["known"], counts["new"]) == (101, 100, 1)
    assert numbers_of(world.organisation_id) == sorted(one["numeroAco"] for one in records)


def test_nobody_at_the_agency_s_address_is_an_outage_too(world, agency_down, now):
    assert jobs.fetch_notices(now)["agency_unavailable"] == 1


def test_a_changed_notice_is_flagged_by_the_next_reading(world, agency, now):
    plate = fleet.new_plate()
    fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)
    record = fleet.offence_record(plate, dateAco=str(now.date()))
    agency.post(record)
    jobs.fetch_notices(now)
    agency.replace({**record, "vitesseRetenue": 121})

    counts = jobs.fetch_notices(now)

    assert (counts["known"], counts["changed"]) == (1, 1)
    assert [one.content_changed for one in fleet.notices(world.organisation_id)] == [True]


HANDOVER = datetime(2026, 2, 10, 11, 0, tzinfo=UTC)
TAKEN_UP = datetime(2026, 2, 12, 11, 0, tzinfo=UTC)


def handed_over(world, other_world) -> str:
    """A plate that left the first client on 10 February at noon and entered the other two days later."""
    plate = fleet.new_plate()
    first = fleet.add_vehicle(world.organisation_id, plate, left_at=HANDOVER)
    second = fleet.add_vehicle(other_world.organisation_id, plate, entered_at=TAKEN_UP)
    fleet.note_declared(world.organisation_id, first, plate, declared_at=fleet.ENTERED)
    fleet.note_declared(other_world.organisation_id, second, plate, declared_at=TAKEN_UP)
    return plate


@pytest.mark.parametrize(
    ("local", "holder"),
    [
        ("2026-02-10T11:59:00", 0),
        ("2026-02-10T12:00:00", 1),  # between the two: the one that declared it last
        ("2026-02-12T11:59:00", 1),
        ("2026-02-12T12:00:00", 1),
    ],
)
def test_the_notice_of_a_plate_of_two_clients_goes_to_the_holder_at_that_instant(world, other_world, local, holder):
    record = fleet.offence_record(handed_over(world, other_world), dateHeureInfraction=local)
    both = {world.organisation_id, other_world.organisation_id}

    counts = fetching.take_in([record], both, worlds.AS_OF)

    found = [fleet.notices(one.organisation_id) for one in (world, other_world)]
    assert counts["new"] == 1
    assert [len(one) for one in found] == [int(holder == 0), int(holder == 1)]


def test_an_offence_of_a_client_that_left_is_not_given_to_the_plate_s_next_holder(world, other_world):
    """Decision 9: no new notice is stored after the end, and nobody else's inbox is the place for it."""
    plate = handed_over(world, other_world)
    before, after = (fleet.offence_record(plate, dateHeureInfraction=f"2026-02-{day}T12:00:00") for day in ("05", "15"))

    counts = fetching.take_in([before, after], {other_world.organisation_id}, worlds.AS_OF)

    assert (counts["outside_contract"], counts["new"]) == (1, 1)
    assert numbers_of(other_world.organisation_id) == [after["numeroAco"]]
    assert fleet.notices(world.organisation_id) == []


def test_a_plate_corrected_since_its_declaration_still_finds_its_client(world):
    vehicle_id = fleet.add_vehicle(world.organisation_id, "AB124CD")
    fleet.note_declared(world.organisation_id, vehicle_id, "AB123CD")

    counts = fetching.take_in([fleet.offence_record("AB123CD")], {world.organisation_id}, worlds.AS_OF)

    assert counts["new"] == 1
    assert fleet.notices(world.organisation_id)[0].vehicle_id == vehicle_id


@pytest.mark.parametrize(("hour", "stored"), [("2026-03-10T22:59:59", 1), ("2026-03-10T23:00", 0)])
def test_no_new_notice_is_stored_from_the_contract_s_end_on(world, hour, stored):
    """C3.4, decision 9: not even for an offence before the end."""
    clients.end_contract(organisation_id=world.organisation_id, on=date(2026, 3, 10), as_of=worlds.AS_OF)
    fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, "AB123CD"), "AB123CD")
    as_of = datetime.fromisoformat(hour).replace(tzinfo=UTC)

    counts = fetching.take_in([fleet.offence_record("AB123CD")], fetching.clients_with_convention(as_of), as_of)

    assert (counts["new"], counts["outside_contract"]) == (stored, 1 - stored)
    assert len(fleet.notices(world.organisation_id)) == stored


def test_one_client_s_failure_does_not_keep_a_notice_from_another(world, other_world, caplog):
    for one, plate in ((world, "AB123CD"), (other_world, "AB124CD")):
        fleet.note_declared(one.organisation_id, fleet.add_vehicle(one.organisation_id, plate), plate)
    key_store().destroy_organisation(world.organisation_id)
    records = [fleet.offence_record(plate) for plate in ("AB123CD", "AB124CD")]

    counts = fetching.take_in(records, {world.organisation_id, other_world.organisation_id}, worlds.AS_OF)

    assert (counts["failed"], counts["new"]) == (1, 1)
    assert outcomes(counts) == 2
    assert "notices not stored" in caplog.text


ODD_VALUES = [
    pytest.param({"vitesseMesuree": 2**70}, True, id="an integer beyond 64 bits"),
    pytest.param({"lieu": "A6 \ud800"}, True, id="a lone surrogate"),
    pytest.param({"codeNatinf": "25387\0"}, True, id="a NUL in a code"),
    pytest.param({"codeNatinf": "2538725387"}, True, id="a code too long"),
    pytest.param({"numeroAco": "\0" * 10}, True, id="a number of NULs"),
    pytest.param({"numeroAco": "١٢٣٤٥٦٧٨٩"}, True, id="a number in Arabic digits"),
    pytest.param({"numeroAco": 9_990_000_003, "immatriculation": []}, True, id="a plate of another type"),
    pytest.param({"paysImmatriculation": "XYZ"}, True, id="an unknown country"),
    pytest.param({"dateAco": "2026-13-45"}, True, id="an impossible day"),
    pytest.param({"dateHeureInfraction": None}, True, id="no instant"),
    pytest.param({"dateHeureInfraction": "0001-01-01T00:00:00"}, True, id="the year one"),
    pytest.param({"vitesseMesuree": 1e30}, False, id="a speed beyond reason"),
    pytest.param({"vitesseMesuree": "vite"}, False, id="a speed in words"),
    pytest.param({"lieu": "A6 \0 PR 12"}, False, id="a NUL in a place"),
    pytest.param({"lieu": None, "commune": None, "codePostal": None}, False, id="no place at all"),
    pytest.param({"numeroAco": "999 000 0004"}, False, id="a number in groups"),
]


@pytest.mark.parametrize(("odd", "malformed"), ODD_VALUES)
def test_an_odd_record_stops_none_of_those_around_it(world, odd, malformed):
    for plate in ("AB123CD", "AB124CD"):
        fleet.note_declared(world.organisation_id, fleet.add_vehicle(world.organisation_id, plate), plate)
    record = fleet.offence_record("AB123CD", **odd)
    around = [fleet.offence_record("AB124CD") for _ in range(2)]
    page = [around[0], record, around[1]]

    counts = fetching.take_in(page, {world.organisation_id}, worlds.AS_OF)
    again = fetching.take_in(page, {world.organisation_id}, worlds.AS_OF)

    assert (counts["new"], counts["to_review"]) == ((2, 1) if malformed else (3, 0))
    assert (again["known"], again["in_review"]) == ((2, 1) if malformed else (3, 0))
    assert [raw for _, raw in review.list_waiting()] == ([record] if malformed else [])


@pytest.mark.parametrize("junk", ["tronqué", 12, None, [], {}, [{"numeroAco": "1"}], True])
def test_what_is_not_even_a_record_is_kept_to_examine(world, junk):
    counts = fetching.take_in([junk], set(), worlds.AS_OF)

    assert (counts["read"], counts["to_review"]) == (1, 1)
    assert [raw for _, raw in review.list_waiting()] == [junk]
