"""The operator's pages: clients, records to examine, jobs."""

from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.antai import review, services
from eprunes.core import clock
from eprunes.core.web import in_section
from eprunes.provider import working_days
from eprunes.provider.forms import RecordForm
from eprunes.provider.queries import list_clients, list_job_states

blueprint = Blueprint("provider", __name__)


@blueprint.get("/exploitation/clients")
@requires(Permission.OPERATE)
@in_section("provider.clients")
def clients():
    return render_template("provider/clients.html", clients=list_clients(), jobs=list_job_states())


@blueprint.get("/exploitation/a-examiner")
@requires(Permission.OPERATE)
@in_section("provider.to_review")
def to_review():
    records, late_before = review.list_waiting(), working_days.before(clock.now(), 2)
    return render_template(
        "provider/to_review.html",
        records=records,
        waiting=review.count_waiting(),
        late_before=late_before,
        form=RecordForm(),
    )


@blueprint.post("/exploitation/a-examiner/<uuid:record_id>")
@requires(Permission.OPERATE)
@in_section("provider.to_review")
def settle_record(record_id: UUID):
    form = RecordForm()
    if not form.validate_on_submit():
        abort(400)
    if form.dismiss.data:
        services.dismiss(record_id, clock.now())
        flash("Enregistrement écarté.")
    elif services.replay(record_id, clock.now()):
        flash("Enregistrement rejoué : il a trouvé son client.")
    else:
        flash("Toujours personne pour cet enregistrement : il reste dans la liste.", "warning")
    return redirect(url_for("provider.to_review"))
