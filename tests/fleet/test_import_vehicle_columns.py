"""What an import reads of a vehicle beside its plate and its presence, and that our own exports change nothing."""

import pytest
from sqlalchemy import update

from eprunes.core.calendar import PARIS
from eprunes.core.database import tenant_session
from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.fleet import exports
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.parsing import parse
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.models import Energy, ExitReason, Vehicle
from tests.fleet.fleets import add_vehicle
from tests.fleet.test_exports import ENTRY, take_out
from tests.fleet.test_import_lines import counts, vehicle_line
from tests.support.worlds import AS_OF, actor

EXIT = {"Date de sortie": "01/02/2026"}


@pytest.mark.parametrize(
    ("cells", "field", "value"),
    [
        ({"N° de formule": "2019 ab 12345"}, "formula_number", "2019AB12345"),
        ({"Énergie": "DIESEL"}, "energy", "gazole"),
        ({"Carburant": "Hybride rechargeable"}, "energy", "hybride_rechargeable"),
        ({"CO2": 0}, "co2_g_per_km", 0),
        ({"CO2 (g/km)": "1500"}, "co2_g_per_km", 1500),
        ({"Titulaire": "Arval"}, "registered_to", "Arval"),
        ({"Loueur": "Arval"}, "lessor", "Arval"),
        ({"Centre de coût": "K-12"}, "cost_centre", "K-12"),
        ({"Véhicule partagé": "oui"}, "is_pool", True),
        ({"Pool": "x"}, "is_pool", True),
        ({"Pool": "Non"}, "is_pool", False),
        (EXIT | {"Motif de sortie": "Vendu"}, "left_because", "vente"),
        (EXIT | {"Motif de sortie": "restitué au loueur"}, "left_because", "restitution"),
        (EXIT, "left_because", None),
    ],
)
def test_a_vehicles_cell_is_read_as_people_type_it(cells, field, value):
    plan = vehicle_line(**cells)
    assert plan.problems == []
    assert plan.vehicles[0].values[field] == value


@pytest.mark.parametrize(
    ("cells", "heading", "sentence"),
    [
        ({"Énergie": "charbon"}, "Énergie", "attendu Essence"),
        ({"CO2": 1501}, "CO2", "de 0 à 1500"),
        ({"CO2": "-1"}, "CO2", "de 0 à 1500"),
        ({"CO2": 12.5}, "CO2", "de 0 à 1500"),
        ({"Pool": "peut-être"}, "Pool", "attendu Oui ou Non"),
        ({"Loueur": "x" * 81}, "Loueur", "80 caractères"),
        ({"Motif de sortie": "Vente"}, "Motif de sortie", "Indiquez aussi la date de sortie"),
        (EXIT | {"Motif de sortie": "envolé"}, "Motif de sortie", "attendu Vente"),
    ],
)
def test_a_vehicles_cell_that_says_nothing_known_is_refused(cells, heading, sentence):
    plan = vehicle_line(**cells)
    assert counts(plan) == {"vehicles": (0, 0, 0, 1)}
    [problem] = plan.problems
    assert problem.heading == heading
    assert sentence in problem.sentence


@pytest.mark.parametrize("co2", [0, 1])
def test_a_vehicle_that_says_everything_is_exported_in_words_and_changes_nothing_when_it_comes_back(world, co2):
    """C7-a: also where a number looks like a yes."""
    boss, vehicle = actor(world.admin), add_vehicle(world, "AB-123-CD", entered_at=ENTRY)
    said = {"energy": Energy.PLUG_IN_HYBRID, "co2_g_per_km": co2, "is_pool": True, "lessor": "Arval"}
    said |= {"left_at": AS_OF, "left_because": ExitReason.RETURNED, "formula_number": "2019AB12345"}
    said |= {"registered_to": "Arval Service", "cost_centre": "K-12"}
    with tenant_session(world.organisation_id, write=True) as session:
        mine = Vehicle.organisation_id == world.organisation_id, Vehicle.id == vehicle
        session.execute(update(Vehicle).where(*mine).values(**said))
    book = read_workbook(take_out(boss, exports.fleet_workbook))
    line = dict(zip(*book.sheets[0].rows, strict=True))
    assert (line["Énergie"], line["CO2 (g/km)"]) == ("Hybride rechargeable", co2)
    assert (line["Véhicule partagé"], line["Motif de sortie"]) == ("Oui", "Restitution")
    plan = make_plan(world.organisation_id, parse(recognise(book), PARIS), PARIS, AS_OF)
    assert plan.problems == plan.changes == []
    assert plan.is_empty
