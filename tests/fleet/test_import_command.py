"""`flask --app wsgi import fleet FILE --organisation SIREN [--confirm] [--json]`."""

import json
from datetime import datetime

import pytest
from sqlalchemy import func, select

from eprunes.core.config import PROJECT_ROOT
from eprunes.core.database import new_id, tenant_session
from eprunes.fleet.models import Assignment, Driver, ImportMapping, Vehicle
from tests.support.fleet_files import DRIVER, ENTRY, OTHER_VEHICLE, VEHICLE, fleet_file, xlsx
from tests.support.worlds import make_world

SAMPLE = PROJECT_ROOT / "demo" / "parc-transports-durand.xlsx"
MORNING = datetime(2026, 1, 5, 8)  # noqa: DTZ001 - a cell has no zone


@pytest.fixture
def run(app, frozen, tmp_path):
    """A function that runs the command on a file's path or content."""

    def run(file, *options):
        if isinstance(file, bytes):
            path = tmp_path / "parc.xlsx"
            path.write_bytes(file)
            file = path
        return app.test_cli_runner().invoke(args=["import", "fleet", str(file), *options])

    return run


def how_many(world, model):
    with tenant_session(world.organisation_id) as session:
        return session.scalar(
            select(func.count()).select_from(model).where(model.organisation_id == world.organisation_id)
        )


def test_the_preview_is_told_and_nothing_is_written(run, world):
    rows = [VEHICLE, ["AI-999-ZZ", None, ENTRY, None, None]]
    done = run(fleet_file(vehicles=rows, drivers=[DRIVER]), "--organisation", world.number)
    assert done.exit_code == 0
    assert "Véhicules\u00a0: 2 lignes lues, 1 à créer, 0 à modifier, 0 inchangée, 1 refusée." in done.output
    assert "Véhicules, ligne 3, «\u00a0Immatriculation\u00a0»" in done.output
    assert how_many(world, Vehicle) == 0


def test_with_confirm_the_accepted_lines_are_written(run, world):
    rows = {"vehicles": [VEHICLE], "drivers": [DRIVER], "assignments": [["AB-123-CD", "E1", MORNING, None]]}
    done = run(fleet_file(**rows), "--organisation", world.number, "--confirm")
    assert done.exit_code == 0
    assert done.output.endswith("Import enregistré.\n")
    assert [how_many(world, model) for model in (Vehicle, Driver, Assignment)] == [1, 1, 1]
    again = run(fleet_file(**rows), "--organisation", world.number, "--confirm")
    assert again.exit_code == 0
    assert again.output.endswith("Rien à modifier.\n")


def test_the_answer_for_scripts_is_one_line_of_json(run, app, frozen):
    world = make_world(0, vehicles=240)
    done = run(SAMPLE, "--organisation", world.number, "--confirm", "--json")
    assert done.exit_code == 0
    answer = json.loads(done.output)
    assert answer["applied"] is True
    assert [(sheet["name"], sheet["lines"], sheet["created"], sheet["refused"]) for sheet in answer["sheets"]] == [
        ("vehicles", 240, 240, 0),
        ("drivers", 205, 205, 0),
        ("assignments", 348, 348, 0),
    ]
    assert (answer["problems"], answer["notes"]) == ([], [])
    again = json.loads(run(SAMPLE, "--organisation", world.number, "--json").output)
    assert (again["applied"], again["is_empty"]) == (False, True)


def test_an_import_over_quota_is_refused_whole(run, app):
    """C4.1-a"""
    world = make_world(0, vehicles=1)
    content = fleet_file(vehicles=[VEHICLE, OTHER_VEHICLE], drivers=[DRIVER])
    for options in ((), ("--confirm",)):
        done = run(content, "--organisation", world.number, *options)
        assert done.exit_code == 1
        assert "il en faudrait 2" in done.output
    answer = run(content, "--organisation", world.number, "--confirm", "--json")
    assert answer.exit_code == 1
    assert "il en faudrait 2" in json.loads(answer.stdout)["refusal"]
    assert (how_many(world, Vehicle), how_many(world, Driver)) == (0, 0)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_file_that_can_not_be_read_is_refused(run, world, options):
    done = run(b"pas un classeur\0", "--organisation", world.number, *options)
    assert done.exit_code == 1
    assert "n’est pas un classeur Excel" in done.stderr


def test_an_unknown_organisation_is_refused(run, world):
    done = run(fleet_file(vehicles=[VEHICLE]), "--organisation", "542065479")
    assert done.exit_code == 1
    assert "Aucun client" in done.output


def test_the_command_reads_columns_as_the_client_chose_them_on_the_page(run, world):
    file = xlsx([("Véhicules", [["N° de parc", "Date d’entrée"], ["AB-123-CD", ENTRY]])])
    assert run(file, "--organisation", world.number).exit_code != 0
    chosen = {"id": new_id(), "sheet": "vehicles", "heading": "ndeparc", "field": "plate"}
    with tenant_session(world.organisation_id, write=True) as session:
        session.add(ImportMapping(organisation_id=world.organisation_id, **chosen))
    done = run(file, "--organisation", world.number, "--confirm")
    assert done.exit_code == 0
    assert how_many(world, Vehicle) == 1


def test_the_command_says_that_missing_vehicles_stay(run, world):
    run(fleet_file(vehicles=[VEHICLE]), "--organisation", world.number, "--confirm")
    done = run(fleet_file(vehicles=[OTHER_VEHICLE]), "--organisation", world.number)
    assert "1 véhicule du parc hors de ce fichier\u00a0: rien n’y est changé." in done.output
    assert "hors de ce fichier" not in run(fleet_file(vehicles=[VEHICLE]), "--organisation", world.number).output
