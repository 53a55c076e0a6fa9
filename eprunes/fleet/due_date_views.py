"""Pages of what falls due: in the whole fleet, of one vehicle, for one driver."""

from datetime import date
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import CSV, XLSX, download, downloads, in_section, reading, refusals_on, render_form
from eprunes.fleet import due_date_lists as lists
from eprunes.fleet import due_dates as rules
from eprunes.fleet import pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers, in_vehicles
from eprunes.fleet.due_date_forms import ChangeDueDateForm, ConfirmForm, DueDateForm, DueDoneForm, due_date_values
from eprunes.fleet.models import DueDate
from eprunes.fleet.services import due_dates as services

in_due_dates = in_section("fleet.due_dates")


@blueprint.get("/echeances")
@requires(Permission.VIEW_FLEET)
@in_due_dates
def due_dates():
    search, as_of = lists.read_due_search(request.args), clock.now()
    listed = lists.read_due_dates(reading(), g.actor, search, request.args.get("page", ""), as_of)
    return _page("fleet/due_dates.html", search=search, listed=listed, lists=lists)


@blueprint.get("/echeances/export.xlsx")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_due_dates():
    search = lists.read_due_search(request.args)
    return download(lists.due_workbook(g.actor, reading(), search, clock.now()), "echeances.xlsx", XLSX)


@blueprint.get("/echeances/export.csv")
@requires(Permission.EXPORT_FLEET, confirmed=True)
@downloads
def export_due_dates_csv():
    search = lists.read_due_search(request.args)
    return download(lists.due_csv(g.actor, reading(), search, clock.now()), "echeances.csv", CSV)


@blueprint.get("/vehicules/<uuid:vehicle_id>/echeances")
@requires(Permission.VIEW_FLEET)
@in_vehicles
def vehicle_due_dates(vehicle_id: UUID):
    row = found(queries.find_vehicle(reading(), g.actor, vehicle_id))
    due = lists.due_of(reading(), g.actor, vehicle_id=vehicle_id)
    return _page("fleet/vehicle_due_dates.html", vehicle=row, due=due)


@blueprint.get("/conducteurs/<uuid:driver_id>/echeances")
@requires(Permission.VIEW_FLEET)
@in_drivers
def driver_due_dates(driver_id: UUID):
    head = found(pages.read_driver_head(reading(), g.actor, driver_id))
    due = lists.due_of(reading(), g.actor, driver_id=driver_id)
    return _page("fleet/driver_due_dates.html", due=due, **head._asdict())


@blueprint.route("/vehicules/<uuid:vehicle_id>/echeances/nouvelle", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_vehicles
def add_vehicle_due_date(vehicle_id: UUID):
    found(queries.find_vehicle(reading(), g.actor, vehicle_id))
    form = DueDateForm(today=_today()).offer(rules.OF_VEHICLES)
    return _added(form, vehicle_id=vehicle_id)


@blueprint.route("/conducteurs/<uuid:driver_id>/echeances/nouvelle", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def add_driver_due_date(driver_id: UUID):
    found(queries.find_driver(reading(), g.actor, driver_id))
    form = DueDateForm(today=_today()).offer(rules.OF_DRIVERS)
    return _added(form, driver_id=driver_id)


@blueprint.route("/echeances/<uuid:due_date_id>/modifier", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_due_dates
def change_due_date(due_date_id: UUID):
    due = _due(due_date_id)
    known = due_date_values(due, clock.now())
    form = ChangeDueDateForm(today=_today(), kind=due.kind, data=known)
    if form.validate_on_submit():
        with refusals_on(form):
            typed = {"label": form.label.data or "", "due_on": form.due_on.data, "seen": form.seen.data}
            services.change_due_date(actor=g.actor, due_id=due_date_id, **typed, as_of=clock.now())
            flash("Échéance enregistrée.")
            return redirect(_page_of(due))
    return _form_page("fleet/due_date_form.html", form, due, known=known)


@blueprint.route("/echeances/<uuid:due_date_id>/fait", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_due_dates
def due_date_done(due_date_id: UUID):
    due, today = _due(due_date_id), _today()
    form = DueDoneForm(today=today, data={"done_on": today, "next_on": rules.proposed_next(due.kind, due.due_on)})
    if form.validate_on_submit():
        with refusals_on(form):
            days = {"done_on": form.done_on.data, "next_on": form.next_on.data}
            following = services.finish_due_date(actor=g.actor, due_id=due_date_id, **days, as_of=clock.now())
            flash(_done_words(following))
            return redirect(_page_of(due))
    return _form_page("fleet/due_date_done.html", form, due)


@blueprint.route("/echeances/<uuid:due_date_id>/supprimer", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_due_dates
def remove_due_date(due_date_id: UUID):
    due, form = _due(due_date_id), ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            services.remove_due_date(actor=g.actor, due_id=due_date_id, as_of=clock.now())
            flash("Échéance supprimée.")
            return redirect(_page_of(due))
    return _form_page("fleet/due_date_remove.html", form, due)


def _added(form: DueDateForm, **subject: UUID):
    """The form of a new due date, or what follows once it is added."""
    back = _tab(**subject)
    if form.validate_on_submit():
        with refusals_on(form):
            typed = {"kind": form.kind.data, "label": form.label.data or "", "due_on": form.due_on.data}
            services.add_due_date(actor=g.actor, **subject, **typed, as_of=clock.now())
            flash("Échéance ajoutée.")
            return redirect(back)
    whose = lists.whose(reading(), g.actor, **subject)
    return render_form("fleet/due_date_form.html", form, due=None, whose=whose, back=back, rules=rules)


def _form_page(template: str, form, due: DueDate, **shown):
    whose = lists.whose(reading(), g.actor, vehicle_id=due.vehicle_id, driver_id=due.driver_id)
    return render_form(template, form, due=due, whose=whose, back=_page_of(due), rules=rules, **shown)


def _page(template: str, **context):
    shown = {"as_of": clock.now(), "today": _today(), "rules": rules}
    return render_template(template, **shown, due_args=lists.due_search_args, **context)


def _done_words(following: date | None) -> str:
    return f"C’est noté. Prochaine échéance le {following:%d/%m/%Y}." if following else "C’est noté."


def _due(due_date_id: UUID) -> DueDate:
    return found(lists.find_due_date(reading(), g.actor, due_date_id))


def _page_of(due: DueDate) -> str:
    return _tab(vehicle_id=due.vehicle_id) if due.vehicle_id else _tab(driver_id=due.driver_id)


def _tab(**subject: UUID) -> str:
    return url_for("fleet.vehicle_due_dates" if "vehicle_id" in subject else "fleet.driver_due_dates", **subject)


def _today() -> date:
    return local_day(clock.now(), g.actor.zone)
