"""Forms of the operator's pages."""

from flask_wtf import FlaskForm
from wtforms import SubmitField


class RecordForm(FlaskForm):
    """What to do with a record to examine."""

    replay = SubmitField("Rejouer")
    dismiss = SubmitField("Écarter")
