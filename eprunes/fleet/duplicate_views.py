"""Pages of drivers who may be one person: the list of them, the merge of two files, and those who are two persons."""

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.paging import slice_page
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers
from eprunes.fleet.driver_forms import MergeForm
from eprunes.fleet.duplicates import Comparison, find_duplicates, read_comparisons, read_distinct
from eprunes.fleet.form_parts import ConfirmForm
from eprunes.fleet.models import Driver
from eprunes.fleet.services import merging, namesakes


@blueprint.get("/conducteurs/doublons")
@requires(Permission.EDIT_FLEET)
@in_drivers
def duplicates():
    groups = find_duplicates(reading(), g.actor)
    page = slice_page(groups, cursor=request.args.get("page", ""))
    return render_template("fleet/duplicates.html", page=page, found=len(groups))


@blueprint.route("/conducteurs/<uuid:driver_id>/fusionner", methods=["GET", "POST"])
@requires(Permission.EDIT_FLEET)
@in_drivers
def merge_driver(driver_id: UUID):
    row = found(queries.find_driver(reading(), g.actor, driver_id))
    details = found(pages.details_of(row))
    others, form = read_comparisons(reading(), g.actor, row, details), MergeForm()
    if form.validate_on_submit():
        other = _chosen(form, others)
        with refusals_on(form):
            both = {"kept_id": driver_id, "dropped_id": other.id, "seen": form.seen.data}
            merging.merge_drivers(actor=g.actor, **both, as_of=clock.now())
            flash("Les deux fiches n’en font plus qu’une.")
            return redirect(url_for("fleet.driver", driver_id=driver_id))
    return render_form("fleet/merge.html", form, driver=row, details=details, others=others)


@blueprint.post("/conducteurs/<uuid:driver_id>/distinct")
@requires(Permission.EDIT_FLEET)
@in_drivers
def declare_distinct(driver_id: UUID):
    row = found(queries.find_driver(reading(), g.actor, driver_id))
    details = found(pages.details_of(row))
    others, form = read_comparisons(reading(), g.actor, row, details), MergeForm()
    if form.validate_on_submit():
        other = _chosen(form, others)
        with refusals_on(form):
            both = {"driver_id": driver_id, "other_id": other.id}
            namesakes.declare_distinct(actor=g.actor, **both, as_of=clock.now())
            flash("C’est noté\u00a0: ce sont deux personnes. Leurs fiches ne seront plus proposées ensemble.")
            return redirect(url_for("fleet.duplicates"))
    return render_form("fleet/merge.html", form, driver=row, details=details, others=others)


@blueprint.get("/conducteurs/doublons/distincts")
@requires(Permission.EDIT_FLEET)
@in_drivers
def distinct_drivers():
    return _distinct_page(ConfirmForm())


@blueprint.post("/conducteurs/doublons/distincts/<uuid:pair_id>/annuler")
@requires(Permission.EDIT_FLEET)
@in_drivers
def undo_distinct(pair_id: UUID):
    found(queries.find_distinct_drivers(reading(), g.actor, pair_id))
    form = ConfirmForm()
    if form.validate_on_submit():
        with refusals_on(form):
            namesakes.undo_distinct(actor=g.actor, pair_id=pair_id, as_of=clock.now())
            flash("Déclaration annulée\u00a0: ces deux fiches peuvent de nouveau être proposées comme doublons.")
            return redirect(url_for("fleet.distinct_drivers"))
    return _distinct_page(form)


def _chosen(form: MergeForm, others: list[Comparison]) -> Driver:
    """The file that a form names, of those that the page compares."""
    return found(next((one.driver for one in others if str(one.driver.id) == form.other.data), None))


def _distinct_page(form: ConfirmForm):
    listed = read_distinct(reading(), g.actor, request.args.get("page", ""))
    return render_form("fleet/distinct_drivers.html", form, listed=listed)
