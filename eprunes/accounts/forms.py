"""Forms of the accounts pages."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from eprunes.core.fields import EmailField

_NO_PASSWORD = Length(max=512, message="Mot de passe trop long.")


class SignInForm(FlaskForm):
    email = EmailField(
        "Adresse e-mail",
        validators=[InputRequired("Indiquez votre adresse e-mail."), Length(max=254, message="Adresse trop longue.")],
        render_kw={"autocomplete": "username", "autofocus": True, "spellcheck": "false"},
    )
    password = PasswordField(
        "Mot de passe",
        validators=[InputRequired("Indiquez votre mot de passe."), _NO_PASSWORD],
        render_kw={"autocomplete": "current-password"},
    )


class ConfirmForm(FlaskForm):
    password = PasswordField(
        "Mot de passe",
        validators=[InputRequired("Indiquez votre mot de passe."), _NO_PASSWORD],
        render_kw={"autocomplete": "current-password", "autofocus": True},
    )
