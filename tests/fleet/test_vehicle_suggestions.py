"""What the form of a vehicle suggests: the values that the fleet has already, of this client alone."""

import pytest

from eprunes.core.database import tenant_session
from eprunes.fleet import vehicle_suggestions
from eprunes.fleet.vehicle_suggestions import SUGGESTED, suggestions
from tests.fleet.fleets import add_vehicle
from tests.support.worlds import actor


def suggested(world, who=None):
    with tenant_session(world.organisation_id) as session:
        return suggestions(session, actor(who or world.fleet))


def test_each_value_in_use_is_suggested_once_and_sorted(world, other_world):
    add_vehicle(world, "AB-123-CD", lessor="Étoile", make="Renault", site="Lyon")
    add_vehicle(world, "AB-124-CD", lessor="Arval", make="Renault", cost_centre="C1", registered_to="Arval")
    add_vehicle(other_world, "AB-125-CD", lessor="Autre")
    assert suggested(world) == {
        "make": ["Renault"],
        "site": ["Lyon"],
        "cost_centre": ["C1"],
        "lessor": ["Arval", "Étoile"],
        "registered_to": ["Arval"],
    }
    assert not any(suggested(world, world.fines).values()), "without the fleet right, nothing"


def test_no_more_is_suggested_than_a_list_can_show(world, monkeypatch):
    monkeypatch.setattr(vehicle_suggestions, "MOST", 2)
    for number, lessor in enumerate("ABC"):
        add_vehicle(world, f"AB-12{number}-CD", lessor=lessor)
    assert suggested(world)["lessor"] == ["A", "B"]


@pytest.mark.parametrize("name", SUGGESTED)
def test_the_form_carries_its_lists(signed_in, world, name):
    add_vehicle(world, **{name: "Déjà vu"})
    page = signed_in(world.fleet).get("/vehicules/nouveau").text
    assert f'<datalist id="{name}-connus"><option value="Déjà vu"></option></datalist>' in page
    [field] = [tag for tag in page.split("<input")[1:] if f' id="{name}"' in tag.split(">")[0]]
    assert f'list="{name}-connus"' in field.split(">")[0]
