"""Pages of drivers: the list, one driver, entering, completing, departure."""

from datetime import date
from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.calendar import local_day
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers
from eprunes.fleet.driver_forms import DriverForm, DriverLeftForm, driver_values
from eprunes.fleet.driver_rules import doubts
from eprunes.fleet.driver_search import read_driver_search, read_drivers
from eprunes.fleet.duplicates import find_namesakes
from eprunes.fleet.services import drivers as services


@blueprint.get("/conducteurs")
@requires(Permission.VIEW_FLEET)
@in_drivers
def drivers():
    search, as_of = read_driver_search(request.args), clock.now()
    listed = read_drivers(reading(), g.actor, search, request.args.get("page", ""), as_of)
    return render_template("fleet/drivers.html", search=search, listed=listed, today=_today())


@blueprint.get("/conducteurs/<uuid:driver_id>")
@requires(Permission.VIEW_FLEET)
@in_drivers
def driver(driver_id: UUID):
    page = found(pages.read_driver(reading(), g.actor, driver_id))
    return render_template("fleet/driver.html", page=page, **page.head._asdict(), as_of=clock.now(), today=_today())


@blueprint.route("/conducteurs/nouveau", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def add_driver():
    form, alike = DriverForm(today=_today(), data={"country": "FR", "licence_country": "FR"}), []
    if form.validate_on_submit():
        alike = find_namesakes(reading(), g.actor, form.details())
        with refusals_on(form):
            if form.create_anyway.data or not alike:
                typed = {"details": form.details(), "distinct_from": [one.id for one in alike], **form.values()}
                driver_id = services.add_driver(actor=g.actor, **typed, as_of=clock.now())
                return _saved("Conducteur ajouté.", driver_id, form)
    return render_form("fleet/driver_form.html", form, driver=None, name="", alike=alike)


@blueprint.route("/conducteurs/<uuid:driver_id>/modifier", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def change_driver(driver_id: UUID):
    row = found(queries.find_driver(reading(), g.actor, driver_id))
    details = found(pages.details_of(row))
    known = driver_values(row, details, clock.now())
    form = DriverForm(today=_today(), data=known)
    if form.validate_on_submit():
        with refusals_on(form):
            typed = {"details": form.details(), "seen": form.seen.data, **form.values()}
            services.change_driver(actor=g.actor, driver_id=driver_id, **typed, as_of=clock.now())
            return _saved("Fiche du conducteur enregistrée.", driver_id, form)
    return render_form("fleet/driver_form.html", form, driver=row, name=details.full_name, known=known)


@blueprint.route("/conducteurs/<uuid:driver_id>/depart", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def driver_left(driver_id: UUID):
    row = found(queries.find_driver(reading(), g.actor, driver_id))
    form = DriverLeftForm(data={"on": row.left_on or _today()})
    if form.validate_on_submit():
        with refusals_on(form):
            services.driver_left(actor=g.actor, driver_id=driver_id, on=form.on.data, as_of=clock.now())
            flash("Départ du conducteur enregistré.")
            return redirect(url_for("fleet.driver", driver_id=driver_id))
    held = pages.assignments_beyond(reading(), g.actor, driver_id, clock.now())
    return render_form("fleet/driver_left.html", form, driver=row, details=pages.details_of(row), held=held)


def _saved(sentence: str, driver_id: UUID, form: DriverForm):
    """To the driver's page, with what deserves a second look."""
    flash(sentence)
    for doubt in doubts(form.details()).values():
        flash(doubt, "warning")
    return redirect(url_for("fleet.driver", driver_id=driver_id))


def _today() -> date:
    return local_day(clock.now(), g.actor.zone)
