"""One notice's page, and the three outcomes."""

from uuid import UUID

from flask import flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on
from eprunes.fines import pages
from eprunes.fines.answering import FilingReason
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.channels import channel_of
from eprunes.fines.forms import FilingForm, ImpossibilityForm, ReopenForm
from eprunes.fines.models import Channel, Notice
from eprunes.fines.notice_rendering import render_notice
from eprunes.fines.services import designating, filing, looking

LETTER_LEFT = {
    True: "la lettre reste à imprimer et à poster (voir «\u00a0Lettres et réponses\u00a0»)",
    False: "seul l’administrateur peut imprimer et poster la lettre, un courriel le lui rappelle chaque matin",
}


@blueprint.get("/contraventions/<uuid:notice_id>")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def notice_page(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    looking.note_opened(g.actor, notice, as_of=clock.now())
    return render_notice(notice_id)


@blueprint.post("/contraventions/<uuid:notice_id>/designer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def designate(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now(), answering=True)
    form, choice = pages.sent_designation(g.actor, reading(), notice, clock.now()), ReopenForm()
    with refusals_on(choice):
        candidate = pages.candidate_of(reading(), form.driver_id.data)
        if form.validate_on_submit():
            with refusals_on(form):
                declared, way = pages.designation_of(form, candidate), _way(notice)
                designating.designate(g.actor, notice.id, **declared, **way, as_of=clock.now())
                return _answered(notice, way["channel"])
        return render_notice(notice_id, designation=form, chosen=form.driver_id.data or pages.NEW_DRIVER)
    return render_notice(notice_id, choice=choice, chosen="")


@blueprint.post("/contraventions/<uuid:notice_id>/impossible")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def report_impossible(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now(), answering=True), ImpossibilityForm()
    if form.validate_on_submit():
        with refusals_on(form):
            told, way = form.told(), _way(notice)
            designating.report_impossibility(g.actor, notice.id, **told, **way, as_of=clock.now())
            return _answered(notice, way["channel"])
    return render_notice(notice_id, impossibility=form)


@blueprint.post("/contraventions/<uuid:notice_id>/classer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def file_notice(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), FilingForm()
    if form.validate_on_submit():
        with refusals_on(form):
            told = {"reason": FilingReason(form.filing_reason.data), "comment": form.comment.data or ""}
            filing.file_notice(g.actor, notice.id, **told, seen=request.form.get("vu", ""), as_of=clock.now())
            flash("Avis classé sans désignation. Il reste visible dans «\u00a0Classées\u00a0» jusqu’à son échéance.")
            return redirect(url_for("fines.inbox"))
    return render_notice(notice_id, filing=form)


@blueprint.post("/contraventions/<uuid:notice_id>/rouvrir")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def reopen_notice(notice_id: UUID):
    form = ReopenForm()
    if form.validate_on_submit():
        with refusals_on(form):
            filing.reopen_notice(g.actor, notice_id, as_of=clock.now())
            flash("Avis rouvert\u00a0: il est de nouveau à traiter.")
            return redirect(url_for("fines.notice_page", notice_id=notice_id))
    return render_notice(notice_id, reopening=form)


@blueprint.get("/contraventions/<uuid:notice_id>/designer")
@blueprint.get("/contraventions/<uuid:notice_id>/impossible")
@blueprint.get("/contraventions/<uuid:notice_id>/classer")
@blueprint.get("/contraventions/<uuid:notice_id>/rouvrir")
@blueprint.get("/contraventions/<uuid:notice_id>/notes")
@blueprint.get("/contraventions/<uuid:notice_id>/pieces")
@blueprint.get("/contraventions/<uuid:notice_id>/vehicule")
@requires(Permission.VIEW_NOTICES)
def back_to_notice(notice_id: UUID):
    """A reloaded or copied address of a form that was refused."""
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    return redirect(url_for("fines.notice_page", notice_id=notice.id))


def _way(notice: Notice) -> dict:
    """The channel that the answer takes, the one chosen where there is a choice, and the mark of the notice seen."""
    return {"channel": channel_of(notice, request.form.get("voie", "")), "seen": request.form.get("vu", "")}


def _answered(notice: Notice, channel: Channel):
    """Back to the inbox with a sentence that names only the notice's number (decision 1)."""
    way = "elle part vers l’ANTAI" if channel is Channel.AGENCY else LETTER_LEFT[g.actor.is_administrator]
    flash(f"Réponse confirmée pour l’avis n° {pages.number_of(notice)}\u00a0: {way}.")
    return redirect(url_for("fines.inbox"))
