"""Pages of assignments: attributing a vehicle, handing it over, ending, correcting and removing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.texts import tidy_line
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import pages, queries
from eprunes.fleet.assignment_forms import (
    AssignForm,
    CancelForm,
    CorrectForm,
    EndForm,
    HandOverForm,
    assignment_values,
)
from eprunes.fleet.blueprint import blueprint, found, in_drivers, in_vehicles
from eprunes.fleet.driver_choice import chosen_driver, named_driver, suggested_drivers
from eprunes.fleet.held_twice import also_held
from eprunes.fleet.models import Assignment, Vehicle
from eprunes.fleet.names import DriverName
from eprunes.fleet.services import assignments as services
from eprunes.fleet.services.presence import absences_of, check_presence
from eprunes.fleet.timeline import period_values
from eprunes.fleet.vehicle_filters import WITHOUT_DRIVER
from eprunes.fleet.vehicle_search import VehicleSearch, read_vehicles
from eprunes.fleet.versions import assignment_version, stamp


@blueprint.route("/vehicules/<uuid:vehicle_id>/attribuer", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def assign(vehicle_id: UUID):
    page = found(pages.read_vehicle(reading(), g.actor, vehicle_id, clock.now()))
    day, hour = _now()
    started = {"starts_at": day, "starts_at_time": hour, "driver": named_driver(reading(), g.actor, request.args)}
    started |= period_values(request.args, g.actor.zone)
    form = AssignForm(rules=_in_presence_of(page.vehicle), data=started)
    if form.validate_on_submit():
        with refusals_on(form):
            driver_id, zone = chosen_driver(reading(), g.actor, form), g.actor.zone
            period = dict(zip(("starts_at", "ends_at"), form.period(zone), strict=True))
            services.assign(actor=g.actor, vehicle_id=vehicle_id, driver_id=driver_id, **period, as_of=clock.now())
            flash("Véhicule attribué.")
            return _done(vehicle_id, driver_id, period["starts_at"], period["ends_at"])
    return _render("fleet/assign.html", form, vehicle=page.vehicle, holder=page.holder)


@blueprint.route("/vehicules/<uuid:vehicle_id>/remise", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def hand_over(vehicle_id: UUID):
    page = found(pages.read_vehicle(reading(), g.actor, vehicle_id, clock.now()))
    day, hour = _now()
    started = {"at": day, "at_time": hour, "driver": named_driver(reading(), g.actor, request.args)}
    form = HandOverForm(rules=_in_presence_of(page.vehicle), data=started)
    if form.validate_on_submit():
        with refusals_on(form):
            driver_id, at = chosen_driver(reading(), g.actor, form), form.instant(g.actor.zone)
            services.hand_over(actor=g.actor, vehicle_id=vehicle_id, driver_id=driver_id, at=at, as_of=clock.now())
            flash("Véhicule passé à un autre conducteur.")
            return _done(vehicle_id, driver_id, at, None)
    return _render("fleet/hand_over.html", form, vehicle=page.vehicle, holder=page.holder)


@blueprint.get("/conducteurs/<uuid:driver_id>/attribuer")
@requires(Permission.EDIT_FLEET)
@in_drivers
def choose_vehicle(driver_id: UUID):
    head, as_of = found(pages.read_driver_head(reading(), g.actor, driver_id)), clock.now()
    search = VehicleSearch(text=tidy_line(request.args.get("q", ""))[:80])
    search = search if search.text else replace(search, flag=WITHOUT_DRIVER)
    listed = read_vehicles(reading(), g.actor, search, request.args.get("page", ""), as_of)
    return render_template("fleet/driver_assign.html", **head._asdict(), listed=listed, search=search)


@blueprint.route("/attributions/<uuid:assignment_id>/fin", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def end_assignment(assignment_id: UUID):
    row, vehicle, driver = _loaded(assignment_id)
    day, hour = _now()
    form = EndForm(data={"at": day, "at_time": hour, **_seen(row)})
    if form.validate_on_submit():
        with refusals_on(form):
            told = {"at": form.instant(g.actor.zone), "seen": form.seen.data, "as_of": clock.now()}
            services.end_assignment(actor=g.actor, assignment_id=assignment_id, **told)
            flash("Fin de l’attribution enregistrée.")
            return redirect(_page_of(vehicle.id))
    return render_form("fleet/end.html", form, assignment=row, vehicle=vehicle, driver=driver)


@blueprint.route("/attributions/<uuid:assignment_id>/corriger", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def correct_assignment(assignment_id: UUID):
    row, vehicle, driver = _loaded(assignment_id)
    rules = _in_presence_of(vehicle, lambda form: form.period_beside(row, g.actor.zone))
    known = assignment_values(row, driver, g.actor.zone)
    form = CorrectForm(rules=rules, data=known | _seen(row))
    if form.is_submitted() and form.says_nothing_new(known, row):
        return _corrected({}, vehicle.id, is_changed=False)
    if form.validate_on_submit():
        with refusals_on(form):
            changed = {"driver_id": chosen_driver(reading(), g.actor, form), **_corrections(form, row)}
            is_changed = services.correct_assignment(actor=g.actor, assignment_id=assignment_id, **changed)
            return _corrected(changed, vehicle.id, is_changed=is_changed)
    return _render("fleet/correct.html", form, assignment=row, vehicle=vehicle, driver=driver)


@blueprint.route("/attributions/<uuid:assignment_id>/annuler", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def cancel_assignment(assignment_id: UUID):
    row, vehicle, driver = _loaded(assignment_id)
    form = CancelForm(data=_seen(row))
    if form.validate_on_submit():
        with refusals_on(form):
            done = {"reason": form.chosen_reason(), "seen": form.seen.data, "as_of": clock.now()}
            services.cancel_assignment(actor=g.actor, assignment_id=assignment_id, **done)
            flash("Période supprimée. Le journal garde ce qu’elle était.")
            return redirect(_page_of(vehicle.id))
    return render_form("fleet/cancel.html", form, assignment=row, vehicle=vehicle, driver=driver)


def _loaded(assignment_id: UUID) -> tuple[Assignment, Vehicle, DriverName]:
    session = reading()
    row = found(queries.find_assignment(session, g.actor, assignment_id))
    vehicle = found(queries.find_vehicle(session, g.actor, row.vehicle_id))
    return row, vehicle, pages.driver_name(session, g.actor, row)


def _seen(row: Assignment) -> dict[str, str]:
    return {"seen": stamp(assignment_version(row), clock.now())}


def _corrections(form: CorrectForm, row: Assignment) -> dict:
    starts_at, ends_at = form.period_beside(row, g.actor.zone)
    period = {"starts_at": starts_at, "ends_at": ends_at}
    return {**period, "reason": form.chosen_reason(), "seen": form.seen.data, "as_of": clock.now()}


def _in_presence_of(vehicle: Vehicle, period_of: Callable | None = None) -> Callable:
    """What checks that the period of a form, by default as it is typed, lies within the vehicle's time in the fleet."""

    def check(form: AssignForm | HandOverForm) -> None:
        period = period_of(form) if period_of else form.period(g.actor.zone)
        check_presence(vehicle, period, g.actor, absences_of(reading(), vehicle))

    return check


def _render(template: str, form: AssignForm | HandOverForm, **context):
    today = local_day(clock.now(), g.actor.zone)
    return render_form(template, form, drivers=suggested_drivers(reading(), g.actor, today), **context)


def _done(vehicle_id: UUID, driver_id: UUID, starts_at: datetime, ends_at: datetime | None):
    """Back to the vehicle; with a warning when its driver holds another one meanwhile, which may be a mistake."""
    twice = also_held(reading(), g.actor, driver_id, vehicle_id, (starts_at, ends_at))
    if twice:
        flash(twice, "warning")
    return redirect(_page_of(vehicle_id))


def _corrected(changed: dict, vehicle_id: UUID, *, is_changed: bool):
    if not is_changed:
        flash("Rien n’a changé\u00a0: l’attribution disait déjà cela.")
        return redirect(_page_of(vehicle_id))
    flash("Attribution corrigée. Le journal garde ce qu’elle était.")
    return _done(vehicle_id, changed["driver_id"], changed["starts_at"], changed["ends_at"])


def _page_of(vehicle_id: UUID) -> str:
    return url_for("fleet.vehicle", vehicle_id=vehicle_id)


def _now() -> tuple[date, time]:
    """The local day and hour, to the minute: what the forms propose."""
    local: datetime = clock.now().astimezone(g.actor.zone)
    return local.date(), local.time().replace(second=0, microsecond=0)
