"""Proving again who one is, before an act that asks for it: by the password, or by a code of the second factor."""

from flask import g, redirect, request, url_for

from eprunes.accounts.account_forms import CodeForm
from eprunes.accounts.account_pages import second_factor_of
from eprunes.accounts.answers import carrying, wanted_page
from eprunes.accounts.blueprint import blueprint
from eprunes.accounts.forms import ConfirmForm
from eprunes.accounts.permissions import Permission, requires
from eprunes.accounts.services import own_account, second_factors
from eprunes.core import clock
from eprunes.core.web import refusals_on, render_form


@blueprint.route("/confirmation", methods=["GET", "POST"])
@requires(Permission.ENTER)
def confirm():
    form, factor = ConfirmForm(), second_factor_of(g.actor)
    if form.validate_on_submit():
        with refusals_on(form):
            token = own_account.confirm_by_password(actor=g.actor, password=form.password.data, as_of=clock.now())
            return carrying(redirect(wanted_page()), token)
    return render_form("accounts/confirm.html", form, factor=factor)


@blueprint.route("/confirmation/code", methods=["GET", "POST"])
@requires(Permission.ENTER)
def confirm_by_code():
    form, factor = CodeForm(), second_factor_of(g.actor)
    if not factor.is_set:
        return redirect(url_for("accounts.confirm", suite=request.args.get("suite")))
    if form.validate_on_submit():
        with refusals_on(form):
            token = second_factors.give_code(actor=g.actor, code=form.code.data, as_of=clock.now())
            return carrying(redirect(wanted_page()), token)
    return render_form("accounts/confirm_by_code.html", form)
