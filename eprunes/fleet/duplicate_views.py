"""Pages of drivers who may be one person: the list of them, and the merge of two files."""

from uuid import UUID

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.paging import slice_page
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fleet import pages, queries
from eprunes.fleet.blueprint import blueprint, found, in_drivers
from eprunes.fleet.driver_forms import MergeForm
from eprunes.fleet.duplicates import find_duplicates, read_comparisons
from eprunes.fleet.services import merging


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
        other = found(next((one.driver for one in others if str(one.driver.id) == form.other.data), None))
        with refusals_on(form):
            both = {"kept_id": driver_id, "dropped_id": other.id, "seen": form.seen.data}
            merging.merge_drivers(actor=g.actor, **both, as_of=clock.now())
            flash("Les deux fiches n’en font plus qu’une.")
            return redirect(url_for("fleet.driver", driver_id=driver_id))
    return render_form("fleet/merge.html", form, driver=row, details=details, others=others)
