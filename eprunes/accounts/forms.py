"""Forms of the accounts pages."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from eprunes.core.fields import EmailField


class SignInForm(FlaskForm):
    email = EmailField(
        "Adresse e-mail",
        validators=[InputRequired("Indiquez votre adresse e-mail."), Length(max=254)],
        render_kw={"autocomplete": "username", "autofocus": True, "spellcheck": "false"},
    )
    password = PasswordField(
        "Mot de passe",
        validators=[InputRequired("Indiquez votre mot de passe."), Length(max=512)],
        render_kw={"autocomplete": "current-password"},
    )


class ConfirmForm(FlaskForm):
    password = PasswordField(
        "Mot de passe",
        validators=[InputRequired("Indiquez votre mot de passe."), Length(max=512)],
        render_kw={"autocomplete": "current-password", "autofocus": True},
    )
