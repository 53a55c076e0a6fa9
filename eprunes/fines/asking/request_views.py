"""What is asked of a driver by link: the users' side, and the page of the link, which is anybody's who holds it."""

from uuid import UUID

from flask import Response, flash, g, make_response, redirect, render_template, request, url_for

from eprunes.accounts.permissions import Permission, public, requires
from eprunes.core import clock
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fines import pages
from eprunes.fines.asking import driver_requests
from eprunes.fines.asking.request_forms import BY_LINK, BY_MAIL, AskForm, DriverReplyForm
from eprunes.fines.blueprint import blueprint, in_inbox
from eprunes.fines.services import requesting
from eprunes.fleet.form_parts import ConfirmForm

blueprint.context_processor(
    lambda: {"asked_of": lambda notice: driver_requests.asked_of(reading(), notice, clock.now())}
)


@blueprint.route("/contraventions/<uuid:notice_id>/demander", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def ask_driver(notice_id: UUID):
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    form = AskForm(driver_id=request.args.get("conducteur", ""))
    driver = driver_requests.driver_named(reading(), form.driver_id.data)
    if driver is None:
        return redirect(url_for("fines.notice_page", notice_id=notice.id))
    form.propose(driver)
    if form.validate_on_submit():
        with refusals_on(form):
            how = {"driver_id": form.driver(), "by_mail": form.way.data == BY_MAIL}
            link = requesting.ask(g.actor, notice.id, **how, as_of=clock.now())
            return _asked(notice, driver, form, link)
    return render_form("fines/request_ask.html", form, notice=notice, driver=driver)


@blueprint.route("/contraventions/<uuid:notice_id>/demandes/<uuid:request_id>", methods=["GET", "POST"])
@requires(Permission.ANSWER_NOTICES)
@in_inbox
def driver_reply(notice_id: UUID, request_id: UUID):
    notice, form = pages.load_notice(g.actor, reading(), notice_id, clock.now()), ConfirmForm()
    asked = driver_requests.read_asked(reading(), notice, request_id, clock.now())
    if form.validate_on_submit():
        with refusals_on(form):
            driver_id = requesting.take_over(g.actor, notice.id, request_id, as_of=clock.now())
            flash("Renseignements reportés sur la fiche du conducteur. Il reste à le désigner.")
            return redirect(url_for("fines.notice_page", notice_id=notice.id, conducteur=driver_id))
    return render_form("fines/request_reply.html", form, notice=notice, asked=asked)


@blueprint.post("/contraventions/<uuid:notice_id>/demandes/<uuid:request_id>/retirer")
@requires(Permission.ANSWER_NOTICES)
def revoke_request(notice_id: UUID, request_id: UUID):
    requesting.revoke(g.actor, notice_id, request_id, as_of=clock.now())
    flash("Demande retirée\u00a0: son lien ne fonctionne plus.")
    return redirect(url_for("fines.notice_page", notice_id=notice_id))


@blueprint.route("/conducteur/<token>", methods=["GET", "POST"])
@public
def driver_request(token: str):
    link = driver_requests.read_link(token, clock.now())
    if link is None:
        return _over()
    form = DriverReplyForm(today=link.today, offence_day=link.offence_day)
    if form.validate_on_submit():
        with refusals_on(form):
            sender = {"address": request.remote_addr or "", "device": request.user_agent.string}
            requesting.reply(token, form.told(), **sender, as_of=clock.now())
            return render_template("fines/request_done.html", company=link.company)
        if driver_requests.read_link(token, clock.now()) is None:  # it died meanwhile: a double click, an answer
            return _over()
    return render_form("fines/request.html", form, link=link)


def _over() -> Response:
    return make_response(render_template("fines/request_over.html"), 404)


def _asked(notice, driver, form: AskForm, link: str) -> Response | str:
    """The link is shown once, to who will hand it on; one sent by mail is the driver's alone."""
    if form.way.data == BY_LINK:
        return render_template("fines/request_link.html", notice=notice, driver=driver, link=link)
    flash(f"Demande envoyée à {driver.full_name}. Sa réponse paraîtra sur cette page.")
    return redirect(url_for("fines.notice_page", notice_id=notice.id))
