"""Forms of the operator's desk for accounts."""

from enum import StrEnum

from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from eprunes.core.fields import AtMost, EmailField, LinesField, Needed, RadioField, TextField

REASON_LENGTH = 300


class BlockReason(StrEnum):
    """Signalement : why an account is blocked at once (C3.3-d)."""

    LOSS = "perte"
    THEFT = "vol"
    MISUSE = "usage_abusif"


class AccountSearchForm(FlaskForm):
    email = EmailField(
        "Adresse e-mail du compte",
        validators=[Needed("Indiquez l’adresse entière."), Length(max=254, message="Adresse trop longue.")],
        render_kw={"autocomplete": "off", "spellcheck": "false", "autofocus": True},
    )


class BlockForm(FlaskForm):
    reason = RadioField(
        "Signalement reçu",
        choices=[
            SelectChoice(BlockReason.LOSS.value, "Perte d’un appareil ou d’un mot de passe"),
            SelectChoice(BlockReason.THEFT.value, "Vol"),
            SelectChoice(BlockReason.MISUSE.value, "Usage abusif ou non autorisé"),
        ],
        validators=[InputRequired("Choisissez ce qui a été signalé.")],
    )


class UnblockForm(FlaskForm):
    reason = TextField(
        "Ce qui a été vérifié",
        validators=[
            Needed("Indiquez ce qui a été vérifié."),
            Length(min=3, max=REASON_LENGTH, message=f"De 3 à {REASON_LENGTH} caractères."),
        ],
        render_kw={"autocomplete": "off", "maxlength": str(REASON_LENGTH)},
    )


class SuccessionForm(FlaskForm):
    to_user_id = RadioField("Nouvel administrateur", validators=[InputRequired("Choisissez une personne.")])
    proof = LinesField(
        "Preuve examinée",
        validators=[Needed("Décrivez la preuve d’identité et de pouvoir."), AtMost(500)],
        render_kw={"autocomplete": "off", "maxlength": "500", "rows": "4"},
    )
