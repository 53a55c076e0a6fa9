"""Pages of an invited person: what the link opens, and choosing the password (C3.3-a)."""

from flask import Response, current_app, g, make_response, render_template

from eprunes.accounts import guard, sessions
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import SignInForm
from eprunes.accounts.invitation_forms import AcceptForm
from eprunes.accounts.permissions import public
from eprunes.accounts.services import invitations
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/invitation/<token>", methods=["GET", "POST"])
@public
def invitation(token: str):
    found = invitations.read(token, clock.now())
    if found is None:
        return render_template("accounts/invitation_over.html")
    form = AcceptForm(display_name=found.display_name)
    if form.validate_on_submit():
        with refusals_on(form):
            if invitations.accept(token, form.display_name.data, form.password.data, clock.now()):
                return _to_sign_in(found.email)
            return render_template("accounts/invitation_over.html")
    return render_form("accounts/invitation.html", form, invitation=found)


def _to_sign_in(email: str) -> Response:
    """The sign-in form with the address filled in; whoever was signed in with this browser no longer is."""
    if g.actor:
        sessions.end_session(g.actor.session_hash, clock.now())
        g.actor = None
    response = make_response()
    guard.take_cookie_back(response, current_app)  # before the form is made: it is the first of the next session
    form = SignInForm(formdata=None, email=email)
    response.set_data(render_template("accounts/invitation_accepted.html", form=form))
    return response
