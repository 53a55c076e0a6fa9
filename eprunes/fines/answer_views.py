"""One notice's page, and the three outcomes."""

from uuid import UUID

from flask import flash, g, redirect, request, url_for

from eprunes.accounts.permissions import Permission, requires
from eprunes.core import clock
from eprunes.core.texts import tidy_line
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fines import pages
from eprunes.fines.answering import FilingReason
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.events import WORDS
from eprunes.fines.forms import FilingForm, ImpossibilityForm, ReopenForm
from eprunes.fines.proposals import Why
from eprunes.fines.services import designating, filing, looking


@blueprint.get("/contraventions/<uuid:notice_id>")
@requires(Permission.VIEW_NOTICES)
@in_inbox
def notice_page(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    looking.note_opened(g.actor, notice, as_of=clock.now())
    return _render(notice_id)


@blueprint.post("/contraventions/<uuid:notice_id>/designer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def designate(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form, choice = pages.sent_designation(g.actor, reading(), notice, clock.now()), ReopenForm()
    with refusals_on(choice):
        candidate = pages.candidate_of(reading(), form.driver_id.data)
        if form.validate_on_submit():
            with refusals_on(form):
                declared = pages.designation_of(form, candidate)
                designating.designate(g.actor, notice.id, **declared, as_of=clock.now())
                return _answered(notice)
        return _render(notice_id, designation=form, chosen=form.driver_id.data or pages.NEW_DRIVER)
    return _render(notice_id, choice=choice, chosen="")


@blueprint.post("/contraventions/<uuid:notice_id>/impossible")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def report_impossible(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), ImpossibilityForm()
    if form.validate_on_submit():
        with refusals_on(form):
            designating.report_impossibility(
                g.actor,
                notice.id,
                reason=form.chosen(),
                comment=form.comment.data or "",
                proofs=form.proofs(),
                as_of=clock.now(),
            )
            return _answered(notice)
    return _render(notice_id, impossibility=form)


@blueprint.post("/contraventions/<uuid:notice_id>/classer")
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def file_notice(notice_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), FilingForm()
    if form.validate_on_submit():
        with refusals_on(form):
            reason = FilingReason(form.filing_reason.data)
            filing.file_notice(g.actor, notice.id, reason=reason, as_of=clock.now())
            flash("Avis classé sans désignation. Il reste visible dans «\u00a0Classées\u00a0» jusqu’à son échéance.")
            return redirect(url_for("fines.inbox"))
    return _render(notice_id, filing=form)


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
    return _render(notice_id, reopening=form)


@blueprint.get("/contraventions/<uuid:notice_id>/designer")
@blueprint.get("/contraventions/<uuid:notice_id>/impossible")
@blueprint.get("/contraventions/<uuid:notice_id>/classer")
@blueprint.get("/contraventions/<uuid:notice_id>/rouvrir")
@requires(Permission.VIEW_NOTICES)
def back_to_notice(notice_id: UUID):
    """A reloaded or copied address of an answer that was refused."""
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    return redirect(url_for("fines.notice_page", notice_id=notice.id))


def _answered(notice):
    """Back to the inbox with a sentence that names only the notice's number (decision 1)."""
    flash(f"Réponse confirmée pour l’avis n° {pages.number_of(notice)}\u00a0: elle part vers l’ANTAI.")
    return redirect(url_for("fines.inbox"))


def _render(notice_id: UUID, *, chosen: str | None = None, **forms):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    wanted = request.args.get("conducteur", "") if chosen is None else chosen
    page = pages.read_page(g.actor, reading(), notice, wanted, clock.now())
    search = tidy_line(request.args.get("cherche", ""))[:80]
    refused = next(iter(forms.values()), None)
    return render_form(
        "fines/notice.html",
        refused if refused is not None else ReopenForm(),
        page=page,
        search=search,
        found=pages.find_candidates(g.actor, reading(), search),
        is_new=wanted == pages.NEW_DRIVER,
        designation=forms.get("designation") or pages.designation_form(page),
        impossibility=forms.get("impossibility") or pages.impossibility_form(page),
        filing=forms.get("filing") or FilingForm(formdata=None),
        words=WORDS,
        Why=Why,
    )
