"""Imports go down: a room knows the floors below it, the simulator knows only the clock."""

import pytest

from tests.house.sources import SIMULATOR, Module, dotted, imported, product, refuse

FLOORS = ("core", "accounts", "fleet", "fines", "antai", "privacy", "admin", "provider")


def room_of(name: str) -> str | None:
    """The room that a dotted name lives in; None for the roots, and for what is not ours."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "eprunes" and parts[1] in FLOORS else None


def breaches(module: Module) -> list[str]:
    """Imports that go up or sideways into a root, and imports that only a running program would see."""
    room = room_of(module.name)
    if room is None or module.path.startswith(SIMULATOR):
        return []
    found = [
        module.at(call, f"{dotted(call.func)} hides an import: write it as an import")
        for call in module.calls()
        if dotted(call.func) in ("__import__", "import_module", "importlib.import_module")
    ]
    for node, name in imported(module):
        target = room_of(name)
        if name.split(".")[0] != "eprunes":
            continue
        if target is None:
            found.append(module.at(node, f"{name} is a root: move what {room} needs from it down into a room"))
        elif FLOORS.index(target) > FLOORS.index(room):
            found.append(module.at(node, f"{room} imports {target}, which is above it: pass the value in instead"))
    return found


def simulator_breaches(module: Module) -> list[str]:
    """The agency's side imports nothing of ours but the clock, and nobody imports it."""
    inside = module.path.startswith(SIMULATOR)
    own = SIMULATOR.rstrip("/").replace("/", ".")
    found = []
    for node, name in imported(module):
        to_simulator = name == own or name.startswith(f"{own}.")
        to_clock = name == "eprunes.core.clock" or name.startswith("eprunes.core.clock.")
        if inside and name.split(".")[0] == "eprunes" and not (to_simulator or to_clock):
            found.append(module.at(node, f"the simulator imports {name}: it may know nothing but core.clock"))
        if to_simulator and not inside:
            found.append(module.at(node, f"{name} is a program of its own: talk to it over HTTP"))
    return found


def test_imports_go_down():
    refuse(fault for module in product() for fault in breaches(module))


def test_the_simulator_is_a_program_of_its_own():
    refuse(fault for module in product() for fault in simulator_breaches(module))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("eprunes/core/web.py", "from eprunes.accounts import guard"),
        ("eprunes/accounts/views.py", "def view():\n    from eprunes.fleet.models import Vehicle"),
        ("eprunes/fleet/services/vehicles.py", "import eprunes.fines.models"),
        ("eprunes/fines/services.py", "from eprunes import antai"),
        ("eprunes/fines/services.py", "from ..antai import client"),
        ("eprunes/fleet/__init__.py", "from ..fines import models"),
        ("eprunes/antai/jobs.py", "if TYPE_CHECKING:\n    from eprunes.provider import views"),
        ("eprunes/fleet/views.py", "from eprunes.application import build"),
        ("eprunes/fleet/views.py", "from eprunes import create_app"),
        ("eprunes/fleet/views.py", "import importlib\nimportlib.import_module('eprunes.fines')"),
    ],
)
def test_an_import_that_goes_up_is_found(path, source):
    [fault] = breaches(Module(path, source))
    assert fault.startswith(f"{path}:{len(source.splitlines())}: ")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("eprunes/fines/services.py", "from eprunes.fleet.queries import holder_at"),
        ("eprunes/fines/services.py", "from eprunes.fines import deadlines"),
        ("eprunes/fines/services.py", "from . import deadlines"),
        ("eprunes/core/icons.py", "from importlib.resources import files"),
        ("eprunes/clock_process.py", "from eprunes.privacy import jobs"),
        ("eprunes/health.py", "from eprunes.clock_process import SCHEDULE"),
    ],
)
def test_an_import_that_goes_down_is_not(path, source):
    assert breaches(Module(path, source)) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("eprunes/antai/simulator/app.py", "from eprunes.fleet.plates import read_plate"),
        ("eprunes/antai/simulator/app.py", "from eprunes.core import config"),
        ("eprunes/antai/jobs.py", "from eprunes.antai.simulator import app"),
        ("eprunes/antai/jobs.py", "from .simulator.app import build"),
        ("demo/run.py", "import eprunes.antai.simulator.app"),
    ],
)
def test_a_door_between_the_simulator_and_the_product_is_found(path, source):
    [fault] = simulator_breaches(Module(path, source))
    assert fault.startswith(f"{path}:1: ")


@pytest.mark.parametrize(
    "source", ["from eprunes.core import clock", "from eprunes.core.clock import now", "from . import store"]
)
def test_the_simulator_may_know_the_clock(source):
    assert simulator_breaches(Module("eprunes/antai/simulator/app.py", source)) == []
