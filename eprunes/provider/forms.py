"""Forms of the operator's pages."""

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import InputRequired


class ConfirmForm(FlaskForm):
    """Only the token: the page says in words what will happen."""


class VisitForm(FlaskForm):
    """Why an operator opens a client's data."""

    reason = StringField(
        "Motif de la visite",
        validators=[InputRequired("Indiquez le motif de la visite.")],
        render_kw={"autocomplete": "off", "maxlength": "300", "autofocus": True},
    )
