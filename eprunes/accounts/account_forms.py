"""Forms of one's own account and of the second factor."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from eprunes.accounts.passwords import MAXIMUM_LENGTH
from eprunes.core.fields import Needed, TextField

_TOO_LONG = Length(max=MAXIMUM_LENGTH, message=f"Un mot de passe a au plus {MAXIMUM_LENGTH} caractères.")


def _code_field(**attributes) -> TextField:
    return TextField(
        "Code à six chiffres",
        validators=[Needed("Indiquez le code que montre votre application."), Length(max=20, message="Six chiffres.")],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false", **attributes},
    )


class CodeForm(FlaskForm):
    """A code of the moment, from an authenticator application."""

    code = _code_field(autofocus=True)


class FirstCodeForm(FlaskForm):
    """The code that confirms a new application; what comes before it on the page is read first."""

    code = _code_field()


class RecoveryCodeForm(FlaskForm):
    code = TextField(
        "Code de secours",
        validators=[Needed("Indiquez un de vos codes de secours."), Length(max=40, message="Trois groupes de quatre.")],
        render_kw={
            "autocomplete": "off",
            "autocapitalize": "characters",
            "autofocus": True,
            "spellcheck": "false",
        },
    )


class ChangePasswordForm(FlaskForm):
    current = PasswordField(
        "Mot de passe actuel",
        validators=[InputRequired("Indiquez votre mot de passe actuel."), _TOO_LONG],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        "Nouveau mot de passe",
        validators=[InputRequired("Choisissez un nouveau mot de passe."), _TOO_LONG],
        render_kw={"autocomplete": "new-password"},
    )


class PlainForm(FlaskForm):
    """A form that asks for nothing but to be sent."""
