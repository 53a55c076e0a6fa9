"""Forms of a forgotten password, and of an account to be blocked."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from eprunes.core.fields import EmailField, Needed


class ForgottenForm(FlaskForm):
    email = EmailField(
        "Adresse e-mail",
        validators=[Needed("Indiquez votre adresse e-mail."), Length(max=254, message="Adresse trop longue.")],
        render_kw={"autocomplete": "username", "autofocus": True, "spellcheck": "false"},
    )


class ResetForm(FlaskForm):
    password = PasswordField(
        "Nouveau mot de passe",
        validators=[
            InputRequired("Choisissez un mot de passe."),
            Length(max=512, message="Choisissez au plus 128 caractères."),
        ],
        render_kw={"autocomplete": "new-password", "autofocus": True},
    )


class NotMeForm(FlaskForm):
    """A form that asks for nothing but to be sent."""
