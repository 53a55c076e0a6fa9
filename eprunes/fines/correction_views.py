"""Correcting an answer that the agency has registered, by the administrator: nobody else sees an answered notice."""

from uuid import UUID

from flask import Response, flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fines import pages
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.forms import CorrectionForm, ImpossibleCorrectionForm, ReopenForm
from eprunes.fines.models import Notice
from eprunes.fines.notice_rendering import around, candidates
from eprunes.fines.pages import NEW_DRIVER
from eprunes.fines.services import correcting

ONLY_REGISTERED = "Seule une réponse enregistrée par l’ANTAI se corrige."


@blueprint.get("/contraventions/<uuid:notice_id>/corriger")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def correction(notice_id: UUID):
    return _page(pages.load_notice(g.actor, reading(), notice_id, clock.now()))


@blueprint.post("/contraventions/<uuid:notice_id>/corriger")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def correct(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form = pages.sent_correction(g.actor, reading(), notice, clock.now())
    with refusals_on(form):
        candidate = pages.candidate_of(reading(), form.driver_id.data)
        if form.validate_on_submit():
            declared = pages.designation_of(form, candidate)
            correcting.correct(g.actor, notice.id, **declared, seen=request.form.get("vu", ""), as_of=clock.now())
            return _corrected(notice)
    return _page(notice, designation=form)


@blueprint.post("/contraventions/<uuid:notice_id>/corriger/impossible")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def correct_impossible(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form = ImpossibleCorrectionForm()
    if form.validate_on_submit():
        with refusals_on(form):
            told = form.told() | {"seen": request.form.get("vu", ""), "as_of": clock.now()}
            correcting.correct_as_impossible(g.actor, notice.id, **told)
            return _corrected(notice)
    return _page(notice, impossibility=form)


@blueprint.get("/contraventions/<uuid:notice_id>/corriger/impossible")
@requires(Permission.ANSWER_NOTICES)
def back_to_correction(notice_id: UUID):
    """A reloaded or copied address of a form that was refused."""
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    return redirect(url_for("fines.correction", notice_id=notice.id))


def _corrected(notice: Notice) -> Response:
    flash("Correction confirmée\u00a0: elle part vers l’ANTAI. Si l’ANTAI la refuse, la réponse d’avant reprend.")
    return redirect(url_for("fines.notice_page", notice_id=notice.id))


def _page(
    notice: Notice, designation: CorrectionForm | None = None, impossibility: ImpossibleCorrectionForm | None = None
) -> Response:
    """The page of a correction around the form that was sent, or of the notice where there is nothing to correct."""
    sent = designation or impossibility
    if sent:
        reading().rollback()  # as `render_notice` does
    wanted = request.args.get("conducteur", "") if designation is None else designation.driver_id.data or NEW_DRIVER
    page = pages.read_page(g.actor, reading(), notice, wanted, clock.now(), correcting=True)
    if not page.may_be_corrected:
        flash(sent.form_errors[0] if sent and sent.form_errors else ONLY_REGISTERED, "warning")
        return redirect(url_for("fines.notice_page", notice_id=notice.id))
    if sent:
        with refusals_on(sent):
            correcting.refuse_other(page.standing.answer, request.form.get("vu", ""))
    forms = {
        "correction": designation or pages.correction_form(page),
        "impossibility": impossibility or pages.impossible_correction_form(page),
    }
    shown = {"page": page, "is_new": wanted == NEW_DRIVER, **candidates(), **around()}
    return render_form("fines/notice/correct.html", sent or ReopenForm(), **forms, **shown)
