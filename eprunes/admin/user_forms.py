"""Forms of the administrator's pages on users."""

from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms.validators import InputRequired, Length

from eprunes.accounts.services.user_steps import NAME_LENGTH
from eprunes.core.fields import EmailField, Needed, RadioField, TextField


class ActForm(FlaskForm):
    """Only the token: the page says in words what will happen."""


class RightsForm(FlaskForm):
    fleet = BooleanField("Parc\u00a0: véhicules, conducteurs, attributions")
    fines = BooleanField("Contraventions\u00a0: avis reçus de l’ANTAI et réponses")


class InviteForm(RightsForm):
    email = EmailField(
        "Adresse e-mail",
        validators=[
            Needed("Indiquez l’adresse e-mail de la personne."),
            Length(max=254, message="Adresse trop longue."),
        ],
        render_kw={"autocomplete": "off", "spellcheck": "false", "autofocus": True},
    )
    display_name = TextField(
        "Nom",
        validators=[
            Needed("Indiquez le nom de la personne."),
            Length(max=NAME_LENGTH, message=f"Le nom tient en {NAME_LENGTH} caractères."),
        ],
        render_kw={"autocomplete": "off"},
    )


def _user_id(text: str | None) -> UUID | None:
    """Whose id was chosen; None when it is no id at all."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


class HandoverForm(FlaskForm):
    """To whom; the service says who may be chosen."""

    to_user_id = RadioField(
        "Nouvel administrateur",
        coerce=_user_id,
        validators=[InputRequired("Choisissez le nouvel administrateur.")],
        validate_choice=False,
    )
