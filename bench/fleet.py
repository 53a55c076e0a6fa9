"""The fleet: lists, searches, who drove when, a new assignment, an export."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle
from statistics import median
from uuid import UUID

from sqlalchemy import exists, select

from bench.measures import Figure, duration_ms, median_ms
from bench.requests import page, without_session_check
from bench.setting import Setting
from eprunes.core import work
from eprunes.core.database import tenant_session
from eprunes.core.wording import number
from eprunes.fleet.bulk import tasks
from eprunes.fleet.bulk.acts import Reassign
from eprunes.fleet.bulk.selection import Selection
from eprunes.fleet.models import Assignment, Driver, Vehicle
from eprunes.fleet.names import names_by_id
from eprunes.fleet.queries import holder_at
from eprunes.fleet.services import assignments
from eprunes.long_work import HANDLERS
from tests.fleet.fleets import ENTERED

REASSIGNED = 300
SEEN = 200
LIST_MS, HOLDER_MS, ASSIGN_MS, EXPORT_MS, SEARCH_MS = 15, 2, 10, 500, 150
SESSION_SHARE = 1.15


def measure(setting: Setting) -> Iterator[Figure]:
    """The figures of the fleet."""
    runs = setting.size.runs
    listed = page(setting.app, setting.token, "/vehicules")
    checked, unchecked = _both_ways(setting, listed)
    yield Figure("liste de 80 véhicules, page entière", checked, LIST_MS)
    yield Figure("liste de 80 véhicules, sans le contrôle de session", unchecked, LIST_MS)
    yield Figure("la même avec ce contrôle, qui coûte 15 % au plus", checked, unchecked * SESSION_SHARE)
    drivers = page(setting.app, setting.token, "/conducteurs")
    yield Figure(f"liste de 80 conducteurs parmi {number(setting.size.drivers)}", median_ms(drivers, runs=runs))
    yield Figure("page d’un véhicule", median_ms(pages_of_vehicles(setting), runs=runs))
    yield Figure("conducteur à un instant", median_ms(holder_lookup(setting), runs=10 * runs), HOLDER_MS)
    yield Figure("conducteur à un instant, et son nom", median_ms(holder_lookup(setting, named=True), runs=10 * runs))
    yield Figure("attribuer un véhicule", median_ms(_assign(setting), runs=runs), ASSIGN_MS)
    export = page(setting.app, setting.token, "/vehicules/export.xlsx")
    yield Figure(f"exporter {number(setting.size.vehicles)} véhicules", median_ms(export, runs=runs), EXPORT_MS)
    yield from _searches(setting)
    reassigned = min(REASSIGNED, setting.size.vehicles)
    yield Figure(f"réattribuer {number(reassigned)} véhicules", median_ms(_reassign(setting), runs=runs))


def _both_ways(setting: Setting, listed: Callable[[], bytes]) -> tuple[float, float]:
    """The median of a page with the session check and without it, in turns so that both meet the same load."""
    with_check, without_check = [], []
    listed()
    for _ in range(setting.size.runs):
        with_check.append(duration_ms(listed))
        with without_session_check(setting.actor):
            without_check.append(duration_ms(listed))
    return median(with_check), median(without_check)


def _searches(setting: Setting) -> Iterator[Figure]:
    among = f"parmi {number(setting.size.searched_drivers)} conducteurs"
    for where, path in (("conducteurs", "/conducteurs"), ("véhicules", "/vehicules")):
        found = page(setting.app, setting.many_drivers_token, f"{path}?q=caroline+dumas")
        ms = median_ms(found, runs=setting.size.runs)
        yield Figure(f"chercher un nom dans la liste des {where}, {among}", ms, SEARCH_MS)


def pages_of_vehicles(setting: Setting, ending: str = "") -> Callable[[], object]:
    """Ask for the page of another vehicle each time, or for one of its other pages."""
    some = setting.vehicles()[:SEEN]
    pages = cycle([page(setting.app, setting.token, f"/vehicules/{one}{ending}") for one, _ in some])
    return lambda: next(pages)()


def holder_lookup(setting: Setting, *, named: bool = False) -> Callable[[], object]:
    """Look up another vehicle at another instant each time: who held it; if told, with the name out of its box."""
    moments = cycle(
        (vehicle_id, ENTERED + timedelta(hours=7 * index % 4_000))
        for index, (vehicle_id, _) in enumerate(setting.vehicles())
        if index % 10
    )

    def look_up() -> object:
        vehicle_id, instant = next(moments)
        with tenant_session(setting.organisation_id) as session:
            held = session.scalars(holder_at(setting.organisation_id, vehicle_id, instant)).one()
            return names_by_id(session, setting.actor, [held.driver_id])[held.driver_id] if named else held

    return look_up


def _assign(setting: Setting) -> Callable[[], object]:
    """Give another vehicle that nobody ever held to another driver each time."""
    vehicle_ids, driver_ids = iter(_never_held(setting)), cycle(_drivers(setting))

    def give() -> UUID:
        return assignments.assign(
            actor=setting.actor,
            vehicle_id=next(vehicle_ids),
            driver_id=next(driver_ids),
            starts_at=ENTERED,
            as_of=setting.as_of,
        )

    return give


def _reassign(setting: Setting) -> Callable[[], object]:
    """Hand the same vehicles to another driver each time, a minute later: asked for, looked at, agreed to and done."""
    chosen = [vehicle_id for vehicle_id, _ in setting.vehicles()[:REASSIGNED]]
    driver_ids, turns = cycle(_drivers(setting)), count(1)

    def hand_over() -> None:
        own, asked = setting.organisation_id, {"actor": setting.actor, "as_of": setting.as_of}
        act = Reassign(next(driver_ids), setting.as_of + timedelta(minutes=next(turns)))
        bulk_id = tasks.start_bulk(selection=Selection(tuple(chosen), None, len(chosen)), act=act, **asked)
        work.run_due(own, HANDLERS, setting.as_of)
        tasks.confirm_bulk(bulk_id=bulk_id, **asked)
        if work.run_due(own, HANDLERS, setting.as_of)["applied"] != 1:
            raise RuntimeError("the bulk operation was not carried out")

    return hand_over


def _never_held(setting: Setting) -> list[UUID]:
    own = setting.organisation_id
    is_held = exists().where(Assignment.organisation_id == own, Assignment.vehicle_id == Vehicle.id)
    with tenant_session(own) as session:
        return list(session.scalars(select(Vehicle.id).where(Vehicle.organisation_id == own, ~is_held)))


def _drivers(setting: Setting) -> list[UUID]:
    own = setting.organisation_id
    with tenant_session(own) as session:
        return list(session.scalars(select(Driver.id).where(Driver.organisation_id == own)))
