"""Fields of forms: what people type is tidy (see `texts`), and what is wrong is said in sentences of our own."""

from flask_wtf import FlaskForm
from wtforms import EmailField as PlainEmailField
from wtforms import Field, StringField, TextAreaField
from wtforms import IntegerField as PlainIntegerField
from wtforms import RadioField as PlainRadioField
from wtforms import SelectField as PlainSelectField
from wtforms import TelField as PlainTelField
from wtforms.validators import InputRequired, Length, StopValidation, ValidationError

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


class IntegerField(PlainIntegerField):
    """A whole number; nothing when nothing was sent."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("Indiquez un nombre entier.") from error


class Needed(InputRequired):
    """Something has to be sent, and something has to be left of it once it is tidy."""

    def __call__(self, form: FlaskForm, field: Field) -> None:
        super().__call__(form, field)
        if not field.data:
            raise StopValidation(self.message)


class AtMost(Length):
    """No longer than so many characters."""

    def __init__(self, longest: int) -> None:
        super().__init__(max=longest, message=f"{longest} caractères au plus.")


class _OfTheList:
    """What was sent is one of the choices; `validate_choice` False leaves that to the form, or to a service."""

    def pre_validate(self, form: FlaskForm) -> None:
        try:
            super().pre_validate(form)
        except ValidationError as error:
            raise ValidationError("Choisissez dans la liste.") from error


class RadioField(_OfTheList, PlainRadioField):
    """One of a few choices, all of them shown."""


class SelectField(_OfTheList, PlainSelectField):
    """One of a list."""
