"""The form of an invited person."""

from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from eprunes.accounts.passwords import MAXIMUM_LENGTH
from eprunes.accounts.services.user_steps import NAME_LENGTH
from eprunes.core.fields import Needed, TextField


class AcceptForm(FlaskForm):
    display_name = TextField(
        "Votre nom",
        validators=[
            Needed("Indiquez votre nom."),
            Length(max=NAME_LENGTH, message=f"Le nom tient en {NAME_LENGTH} caractères."),
        ],
        render_kw={"autocomplete": "name"},
    )
    password = PasswordField(
        "Choisissez un mot de passe",
        validators=[
            InputRequired("Choisissez un mot de passe."),
            Length(max=MAXIMUM_LENGTH, message=f"Un mot de passe a au plus {MAXIMUM_LENGTH} caractères."),
        ],
        render_kw={"autocomplete": "new-password"},
    )
