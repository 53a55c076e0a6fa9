"""Fields of forms in which people type text: what they hold is tidy (see `texts`)."""

from flask_wtf import FlaskForm
from wtforms import EmailField as PlainEmailField
from wtforms import Field, StringField, TextAreaField
from wtforms import TelField as PlainTelField
from wtforms.validators import InputRequired, StopValidation

from eprunes.core.texts import tidy_line, tidy_lines


class _Tidy:
    """What the form proposed counts only if it was sent back."""

    tidy = staticmethod(tidy_line)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = self.tidy(valuelist[0]) if valuelist else ""

    def pre_validate(self, form: FlaskForm) -> None:
        self.data = self.data or ""


class TextField(_Tidy, StringField):
    """A line of text; empty when nothing was sent."""


class EmailField(_Tidy, PlainEmailField):
    """An e-mail address."""


class TelField(_Tidy, PlainTelField):
    """A telephone number."""


class LinesField(_Tidy, TextAreaField):
    """Several lines of text."""

    tidy = staticmethod(tidy_lines)


class Needed(InputRequired):
    """Something has to be sent, and something has to be left of it once it is tidy."""

    def __call__(self, form: FlaskForm, field: Field) -> None:
        super().__call__(form, field)
        if not field.data:
            raise StopValidation(self.message)
