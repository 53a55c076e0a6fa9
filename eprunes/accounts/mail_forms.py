"""The form of one's mails."""

from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from eprunes.accounts.services.mail_rhythms import WORDS
from eprunes.core.fields import RadioField


class MailRhythmForm(FlaskForm):
    """How often one is told of notices."""

    rhythm = RadioField(
        "Récapitulatif des avis de contravention",
        choices=[SelectChoice(one.value, words) for one, words in WORDS.items()],
        validators=[InputRequired("Choisissez un rythme.")],
    )
