"""The second factor: its code at sign-in, setting it up, replacing it, removing it, its recovery codes."""

from flask import Response, flash, g, redirect, render_template, request, url_for

from eprunes.accounts import one_time_codes
from eprunes.accounts.account_forms import CodeForm, FirstCodeForm, PlainForm, RecoveryCodeForm
from eprunes.accounts.account_pages import second_factor_of
from eprunes.accounts.answers import carrying, wanted_page
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.permissions import Pending, Permission, requires
from eprunes.accounts.services import second_factors
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/connexion/code", methods=["GET", "POST"])
@requires(Permission.ENTER, while_pending=True)
def give_code():
    form = CodeForm()
    if g.actor.pending is not Pending.CODE:
        return redirect(wanted_page())
    if form.validate_on_submit():
        with refusals_on(form):
            token = second_factors.give_code(actor=g.actor, code=form.code.data, as_of=clock.now())
            return carrying(redirect(wanted_page()), token)
    return render_form("accounts/give_code.html", form)


@blueprint.route("/connexion/code-de-secours", methods=["GET", "POST"])
@requires(Permission.ENTER, while_pending=True)
def give_recovery_code():
    form = RecoveryCodeForm()
    if g.actor.pending is not Pending.CODE:
        return redirect(wanted_page())
    if form.validate_on_submit():
        with refusals_on(form):
            given = {"actor": g.actor, "code": form.code.data, "as_of": clock.now()}
            token, left = second_factors.give_recovery_code(**given)
            _say_how_many_are_left(left)
            return carrying(redirect(wanted_page()), token)
    return render_form("accounts/give_recovery_code.html", form)


@blueprint.route("/connexion/double-authentification", methods=["GET", "POST"])
@requires(Permission.ENTER, while_pending=True)
def set_up_second_factor():
    """For a first sign-in; whoever is already in must confirm who they are first."""
    if g.actor.pending is not Pending.SET_UP:
        is_sent_again = request.method == "POST" and not g.actor.pending and second_factors.is_settled(g.actor)
        return _codes_were_shown() if is_sent_again else redirect(url_for("accounts.change_second_factor"))
    return _set_up(wanted_page())


@blueprint.route("/mon-compte/double-authentification", methods=["GET", "POST"])
@requires(Permission.ENTER, confirmed=True)
def change_second_factor():
    return _set_up(url_for("accounts.account"))


@blueprint.route("/mon-compte/double-authentification/retirer", methods=["GET", "POST"])
@requires(Permission.ENTER, confirmed=True)
def remove_second_factor():
    form = PlainForm()
    if not second_factor_of(g.actor).may_go:
        return redirect(url_for("accounts.account"))
    if form.validate_on_submit():
        with refusals_on(form):
            token = second_factors.remove_own(actor=g.actor, as_of=clock.now())
            flash("La double authentification est retirée de votre compte.")
            return carrying(redirect(url_for("accounts.account")), token)
    return render_form("accounts/remove_second_factor.html", form)


@blueprint.route("/mon-compte/codes-de-secours", methods=["GET", "POST"])
@requires(Permission.ENTER, confirmed=True)
def renew_recovery_codes():
    form, factor = PlainForm(), second_factor_of(g.actor)
    if not factor.is_set:
        return redirect(url_for("accounts.account"))
    if form.validate_on_submit():
        with refusals_on(form):
            codes = second_factors.renew_recovery_codes(actor=g.actor, as_of=clock.now())
            return _codes_page(codes, url_for("accounts.account"))
    return render_form("accounts/renew_recovery_codes.html", form, factor=factor)


def _set_up(destination: str) -> Response:
    form = FirstCodeForm()
    if form.validate_on_submit():
        if second_factors.is_settled(g.actor):
            return _codes_were_shown()
        with refusals_on(form):
            token, codes = second_factors.confirm(actor=g.actor, code=form.code.data, as_of=clock.now())
            return carrying(_codes_page(codes, destination), token)
    secret = second_factors.propose(g.actor, clock.now())
    return render_form(
        "accounts/set_up_second_factor.html",
        form,
        qr_code=one_time_codes.qr_code(secret, g.actor.email),
        secret=one_time_codes.in_groups(secret),
        is_first=g.actor.pending is Pending.SET_UP,
        is_replacing=second_factor_of(g.actor).is_set,
    )


def _codes_page(codes: list[str], destination: str) -> str:
    """Shown in answer to the form that made them, and never again: nothing keeps them."""
    file = one_time_codes.recovery_file(codes, g.actor.email)
    return render_template("accounts/recovery_codes.html", codes=codes, file=file, destination=destination)


def _codes_were_shown() -> Response:
    """The page of the codes, loaded again: nothing keeps them."""
    flash(
        "La double authentification est en place. Les codes de secours ne sont montrés qu’une fois\u00a0: si vous ne "
        "les avez pas gardés, choisissez «\u00a0Nouveaux codes de secours\u00a0».",
        "warning",
    )
    return redirect(url_for("accounts.account"))


def _say_how_many_are_left(left: int) -> None:
    words = f"Ce code de secours a servi\u00a0: il vous en reste {left}."
    if left > one_time_codes.RECOVERY_CODES_FEW:
        flash(words)
    else:
        flash(f"{words} Renouvelez-les depuis «\u00a0Mon compte\u00a0».", "warning")
