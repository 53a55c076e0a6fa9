"""Pages for who cannot get in, or sees that somebody else did: forgotten password, « Ce n’est pas moi »."""

from flask import flash, g, redirect, render_template, request, url_for

from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.permissions import public
from eprunes.accounts.recovery_forms import ForgottenForm, NotMeForm, ResetForm
from eprunes.accounts.services import blocking, resets
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/mot-de-passe-oublie", methods=["GET", "POST"])
@public
def forgotten():
    form = ForgottenForm()
    if form.validate_on_submit():
        with refusals_on(form):
            resets.ask(email=form.email.data, address=_address(), as_of=clock.now())
            return render_template("accounts/forgotten_sent.html")
    return render_form("accounts/forgotten.html", form)


@blueprint.route("/mot-de-passe/<token>", methods=["GET", "POST"])
@public
def reset(token: str):
    owner = resets.owner_of(token, clock.now())
    if owner is None:
        return render_template("accounts/link_over.html", asks_for_reset=True)
    form = ResetForm()
    if form.validate_on_submit():
        with refusals_on(form):
            chosen = form.password.data
            resets.choose_password(token=token, password=chosen, address=_address(), as_of=clock.now())
            flash("Mot de passe enregistré. Connectez-vous avec celui-ci.", "success")
            return redirect(url_for("accounts.sign_in"))
    return render_form("accounts/reset.html", form, email=owner.identity.email)


@blueprint.route("/ce-n-est-pas-moi/<token>", methods=["GET", "POST"])
@public
def not_me(token: str):
    owner = blocking.owner_of_link(token, clock.now())
    if owner is None:
        return render_template("accounts/link_over.html", asks_for_reset=False)
    form = NotMeForm()
    if form.validate_on_submit():
        with refusals_on(form):
            return _blocked(blocking.not_me(token, clock.now()))
    return render_form("accounts/not_me.html", form, email=owner.identity.email, role=owner.role)


def _blocked(role: blocking.Role) -> str:
    """The page of a blocked account; whoever reads it may have been signed in to that account."""
    g.actor = None
    return render_template("accounts/not_me_done.html", role=role)


def _address() -> str:
    return request.remote_addr or ""
