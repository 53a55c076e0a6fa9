"""What the fleet holds of a vehicle beside its plate (C4.2): the fields, their limits, and two people at once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fleet import queries
from eprunes.fleet.models import DocumentKind, Energy, ExitReason, Holding
from eprunes.fleet.services import vehicles
from eprunes.fleet.vehicle_rules import KEPT, PROOFS, VehicleDetails, has_unusual_formula, lacks_lessor, tidy_formula
from eprunes.fleet.versions import stamp, vehicle_version
from tests.fleet.fleets import ENTERED, add_vehicle
from tests.support.worlds import AS_OF, actor

MORE = {
    "formula_number": "2019AB12345",
    "energy": "hybride_rechargeable",
    "co2_g_per_km": 41,
    "holding": "lld",
    "registered_to": "Locaparc SA",
    "lessor": "Locaparc",
    "cost_centre": "CC-12",
    "is_pool": True,
}


def stored(world, vehicle_id):
    with tenant_session(world.organisation_id) as session:
        return queries.find_vehicle(session, actor(world.fleet), vehicle_id)


def test_what_identifies_holds_and_places_a_vehicle_is_kept(world):
    """C4.2"""
    row = stored(world, add_vehicle(world, **MORE | {"lessor": "  Loca\u00a0parc ", "formula_number": "2019 ab 12345"}))
    assert {name: getattr(row, name) for name in MORE} == MORE | {"lessor": "Loca parc"}


def test_none_of_it_has_to_be_known(world):
    """C4.2"""
    row = stored(world, add_vehicle(world))
    assert (row.formula_number, row.energy, row.co2_g_per_km, row.registered_to) == ("", "", None, "")
    assert (row.lessor, row.cost_centre, row.is_pool) == ("", "", False)


@pytest.mark.parametrize("grams", [0, 1500])
def test_emissions_go_from_nothing_to_those_of_a_lorry(world, grams):
    assert stored(world, add_vehicle(world, co2_g_per_km=grams)).co2_g_per_km == grams


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"co2_g_per_km": -1}, "co2_g_per_km"),
        ({"co2_g_per_km": 1501}, "co2_g_per_km"),
        ({"energy": "charbon"}, "energy"),
        ({"formula_number": "x" * 16}, "formula_number"),
        ({"registered_to": "x" * 81}, "registered_to"),
        ({"lessor": "x" * 81}, "lessor"),
        ({"cost_centre": "x" * 41}, "cost_centre"),
    ],
)
def test_beyond_its_limits_a_field_is_refused_by_name(world, details, field):
    with pytest.raises(Refused) as refusal:
        add_vehicle(world, **details)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("typed", "kept", "unusual"),
    [
        ("2019AB12345", "2019AB12345", False),
        (" 2019 ab 12345 ".strip(), "2019AB12345", False),
        ("2019-AB-12345", "2019AB12345", False),
        ("2019AB1234", "2019AB1234", True),
        ("2019AB123456", "2019AB123456", True),
        ("2019A123456", "2019A123456", True),
        ("1819AB12345", "1819AB12345", True),
        ("AB 123 / 98", "AB 123 / 98", True),  # a certificate of before 2009
        ("", "", False),
    ],
)
def test_a_formula_number_of_an_older_form_is_kept_and_pointed_out(typed, kept, unusual):
    assert (tidy_formula(typed), has_unusual_formula(typed and kept)) == (kept, unusual)


@given(st.text(max_size=20) | st.from_regex(r"\A[ 0-9A-Za-zéß.-]{9,17}\Z"))
def test_a_tidy_formula_number_stays_as_it_is(text):
    assert tidy_formula(tidy_formula(text)) == tidy_formula(text)


@pytest.mark.parametrize("holding", list(Holding))
def test_the_lessor_is_asked_for_where_there_is_one(world, holding):
    assert lacks_lessor(holding, "") is (holding is not Holding.OWNED)
    assert lacks_lessor(holding, "Locaparc") is False
    add_vehicle(world, holding=holding, lessor="")


@pytest.mark.parametrize("name", MORE)
def test_a_field_changed_meanwhile_is_not_written_over(world, name):
    vehicle_id, boss = add_vehicle(world), actor(world.fleet)
    seen = stamp(vehicle_version(stored(world, vehicle_id)), AS_OF)
    filled = {"plate": "AB-123-CD", "entered_at": ENTERED}
    theirs = VehicleDetails(**filled | {name: MORE[name]})
    vehicles.change_vehicle(actor=boss, vehicle_id=vehicle_id, details=theirs, seen=seen, as_of=AS_OF)
    mine = VehicleDetails(**filled, site="Lyon")
    with pytest.raises(Refused, match="modifiée entre-temps") as refusal:
        vehicles.change_vehicle(actor=boss, vehicle_id=vehicle_id, details=mine, seen=seen, as_of=AS_OF)
    assert refusal.value.field == "seen"
    assert getattr(stored(world, vehicle_id), name) == MORE[name]


def test_a_vehicle_enters_before_it_leaves(world):
    vehicle_id, boss = add_vehicle(world), actor(world.fleet)
    vehicles.leave_fleet(actor=boss, vehicle_id=vehicle_id, at=AS_OF, reason=ExitReason.OTHER, as_of=AS_OF)
    for entered_at in (AS_OF, AS_OF + timedelta(minutes=1)):
        details = VehicleDetails(plate="AB-123-CD", entered_at=entered_at)
        with pytest.raises(Refused, match="sort du parc le") as refusal:
            vehicles.change_vehicle(actor=boss, vehicle_id=vehicle_id, details=details, as_of=AS_OF)
        assert refusal.value.field == "entered_at"
    just_before = VehicleDetails(plate="AB-123-CD", entered_at=AS_OF - timedelta(minutes=1))
    vehicles.change_vehicle(actor=boss, vehicle_id=vehicle_id, details=just_before, as_of=AS_OF)


def test_why_a_vehicle_left_is_kept_until_it_comes_back(world):
    vehicle_id, boss = add_vehicle(world), actor(world.fleet)
    later = AS_OF + timedelta(days=2)
    vehicles.leave_fleet(actor=boss, vehicle_id=vehicle_id, at=later, reason=ExitReason.SOLD, as_of=AS_OF)
    vehicles.leave_fleet(actor=boss, vehicle_id=vehicle_id, at=later, reason=ExitReason.STOLEN, as_of=AS_OF)
    assert stored(world, vehicle_id).left_because == ExitReason.STOLEN
    vehicles.return_to_fleet(actor=boss, vehicle_id=vehicle_id, as_of=AS_OF)
    assert (stored(world, vehicle_id).left_at, stored(world, vehicle_id).left_because) == (None, None)


def test_every_reason_says_which_papers_to_keep():
    assert set(PROOFS) == set(ExitReason)
    assert PROOFS[ExitReason.SOLD] == (DocumentKind.TRANSFER, DocumentKind.TRANSFER_RECEIPT)
    assert {reason for reason, kinds in PROOFS.items() if not kinds} == {ExitReason.OTHER}


def test_every_energy_fits_its_column(world):
    for index, energy in enumerate(Energy):
        assert stored(world, add_vehicle(world, f"AB-10{index}-CD" if index < 10 else "AB-200-CD", energy=energy))


def test_the_form_fills_every_column_that_is_kept():
    assert set(KEPT) | {"plate", "country"} == set(VehicleDetails.__dataclass_fields__)
