"""The operator's pages: clients, records to examine, jobs."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.antai import review, services
from eprunes.core import clock
from eprunes.core.web import in_section
from eprunes.provider import account_views, catalogue_views, visit_views, working_days  # noqa: F401 - routes
from eprunes.provider.blueprint import blueprint
from eprunes.provider.forms import ConfirmForm
from eprunes.provider.job_words import JOB_NAMES, JOB_WORDS
from eprunes.provider.queries import list_clients, list_job_states


@blueprint.get("/exploitation/clients")
@requires(Permission.OPERATE)
@in_section("provider.clients")
def clients():
    found, jobs = list_clients(clock.now()), list_job_states()
    return render_template("provider/clients.html", clients=found, jobs=jobs, words=JOB_WORDS, job_names=JOB_NAMES)


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
    )


@blueprint.post("/exploitation/a-examiner/<uuid:record_id>/rejouer")
@requires(Permission.OPERATE)
@in_section("provider.to_review")
def replay(record_id: UUID):
    if services.replay(record_id, clock.now()):
        flash("Enregistrement rejoué\u00a0: il a trouvé son client.")
    else:
        flash("Toujours personne pour cet enregistrement\u00a0: il reste dans la liste.", "warning")
    return redirect(url_for("provider.to_review"))


@blueprint.route("/exploitation/a-examiner/<uuid:record_id>/ecarter", methods=["GET", "POST"])
@requires(Permission.OPERATE)
@in_section("provider.to_review")
def dismiss(record_id: UUID):
    (record, raw), form = review.opened(record_id), ConfirmForm()
    if form.validate_on_submit():
        services.dismiss(record_id, clock.now())
        flash("Enregistrement écarté, son contenu est détruit.")
        return redirect(url_for("provider.to_review"))
    return render_template("provider/dismiss.html", record=record, raw=raw, form=form)
