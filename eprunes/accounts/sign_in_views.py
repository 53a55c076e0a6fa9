"""Sign-in and sign-out."""

from flask import current_app, g, redirect, request, url_for

from eprunes.accounts import guard, sessions
from eprunes.accounts.answers import carrying, wanted_page
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import SignInForm
from eprunes.accounts.permissions import Permission, public, requires
from eprunes.accounts.services import signing_in
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form, renew_csrf


@blueprint.route("/connexion", methods=["GET", "POST"])
@public
def sign_in():
    """Who posts credentials is signed in by them, whoever was before in this browser."""
    form, destination = SignInForm(), wanted_page()
    if g.actor and request.method == "GET":
        return redirect(destination)
    if form.validate_on_submit():
        with refusals_on(form):
            token = _open_session(form)
            _end_session_before()
            return carrying(redirect(destination), token)
    return render_form("accounts/sign_in.html", form)


@blueprint.post("/deconnexion")
@requires(Permission.ENTER, while_pending=True)
def sign_out():
    sessions.end_session(g.actor.session_hash, clock.now())
    response = redirect(url_for("accounts.sign_in"))
    guard.take_cookie_back(response, current_app)
    return response


def _end_session_before() -> None:
    """The session that stood open in this browser ends, and its forms with it."""
    if g.actor:
        sessions.end_session(g.actor.session_hash, clock.now())
        renew_csrf()


def _open_session(form: SignInForm) -> str:
    return signing_in.sign_in(
        email=form.email.data,
        password=form.password.data,
        address=request.remote_addr or "",
        device=request.user_agent.string,
        as_of=clock.now(),
    )
