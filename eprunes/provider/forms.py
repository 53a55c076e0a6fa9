"""Forms of the operator's pages."""

from flask_wtf import FlaskForm

from eprunes.core.fields import Needed, TextField


class ConfirmForm(FlaskForm):
    """Only the token: the page says in words what will happen."""


class VisitForm(FlaskForm):
    """Why an operator opens a client's data."""

    reason = TextField(
        "Motif de la visite",
        validators=[Needed("Indiquez le motif de la visite.")],
        render_kw={"autocomplete": "off", "maxlength": "300", "autofocus": True},
    )
