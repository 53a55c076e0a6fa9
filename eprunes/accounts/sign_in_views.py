"""Sign-in and sign-out."""

from flask import current_app, g, redirect, request, url_for

from eprunes.accounts import guard, sessions
from eprunes.accounts.answers import carrying, wanted_page
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import SignInForm
from eprunes.accounts.permissions import Permission, public, requires
from eprunes.accounts.services import signing_in
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/connexion", methods=["GET", "POST"])
@public
def sign_in():
    form, destination = SignInForm(), wanted_page()
    if g.actor:
        return redirect(destination)
    if form.validate_on_submit():
        with refusals_on(form):
            return carrying(redirect(destination), _open_session(form))
    return render_form("accounts/sign_in.html", form)


@blueprint.post("/deconnexion")
@requires(Permission.ENTER, while_pending=True)
def sign_out():
    sessions.end_session(g.actor.session_hash, clock.now())
    response = redirect(url_for("accounts.sign_in"))
    guard.take_cookie_back(response, current_app)
    return response


def _open_session(form: SignInForm) -> str:
    return signing_in.sign_in(
        email=form.email.data,
        password=form.password.data,
        address=request.remote_addr or "",
        device=request.user_agent.string,
        as_of=clock.now(),
    )
