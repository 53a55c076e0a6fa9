"""Proving again who one is, before an act that asks for it."""

from flask import current_app, g, redirect, request, url_for

from eprunes.accounts import guard, sessions
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import ConfirmForm
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import signing_in
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form, safe_path


@blueprint.route("/confirmation", methods=["GET", "POST"])
@requires(Permission.ENTER)
def confirm():
    form, destination = ConfirmForm(), safe_path(request.args.get("suite"), url_for("home.home"))
    if form.validate_on_submit():
        with refusals_on(form):
            signing_in.prove(actor=g.actor, password=form.password.data, as_of=clock.now())
            response = redirect(destination)
            guard.give_cookie(response, current_app, sessions.renew(g.actor, clock.now()))
            return response
    return render_form("accounts/confirm.html", form, email=g.actor.email)
