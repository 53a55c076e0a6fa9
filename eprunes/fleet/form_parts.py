"""What the forms of several rooms are made of: fields in local dates and hours, checks by pure rules."""

from collections.abc import Callable, Iterable
from datetime import date, time

from flask_wtf import FlaskForm
from wtforms import DateField, Field, HiddenField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.fields import Needed, SelectField, TextField
from eprunes.core.web import refusals_on

DATE_EXPECTED = "Indiquez une date (JJ/MM/AAAA)."
PLAUSIBLE_YEARS = range(1900, 2101)
TIME_EXPECTED = "Indiquez une heure (HH:MM)."


class Quiet:
    """A mark, not a check: the field always has a value, so that no « facultatif » stands beside it."""

    field_flags = {"quiet": True}

    def __call__(self, form, field) -> None:
        pass


def choice(label: str, choices: Iterable[tuple[str, str]], mark: Callable | None = None) -> SelectField:
    """A list to choose from; it always holds a value."""
    options = [SelectChoice(str(value), word) for value, word in choices]
    return SelectField(label, choices=options, validators=[mark or Quiet()])


class LocalDateField(DateField):
    """A day; what cannot be read is refused with our own sentence."""

    def process_formdata(self, valuelist) -> None:
        self.data = None  # what the form proposed counts only if it was sent back
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(DATE_EXPECTED)
        if self.data is not None and self.data.year not in PLAUSIBLE_YEARS:
            raise ValueError(f"Indiquez une année entre {PLAUSIBLE_YEARS[0]} et {PLAUSIBLE_YEARS[-1]}.")


class LocalTimeField(TimeField):
    """An hour, seconds left aside; what cannot be read is refused with our own sentence."""

    def __init__(self, label: str, **keywords) -> None:
        super().__init__(label, validators=[Optional()], format=["%H:%M", "%H:%M:%S"], **keywords)

    def process_formdata(self, valuelist) -> None:
        self.data = None  # what the form proposed counts only if it was sent back
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(TIME_EXPECTED)


def needed_day(label: str, sentence: str) -> LocalDateField:
    """A day that has to be given."""
    return LocalDateField(label, validators=[InputRequired(sentence)])


def optional_day(label: str) -> LocalDateField:
    """A day that may be left out."""
    return LocalDateField(label, validators=[Optional()])


def text(label: str, needed: str = "", **attributes) -> TextField:
    """A line of text; `needed` is the sentence that asks for it."""
    return TextField(label, validators=[Needed(needed)] if needed else [], render_kw=attributes)


class Checked(FlaskForm):
    """A form whose fields are also checked by pure rules, all at once; `today` is the local day."""

    def __init__(self, *args, today: date, **keywords) -> None:
        super().__init__(*args, **keywords)
        self.today = today

    def validate(self, extra_validators=None) -> bool:
        fine = super().validate(extra_validators)
        for name, sentence in self.problems().items():
            if not self[name].errors:
                self[name].errors = [sentence]
                fine = False
        return fine


class Dated(FlaskForm):
    """A form whose days and hours, once they can be read, are also checked by `rules`, which raise Refused: in the same
    round as what else is missing."""

    def __init__(self, *args, rules: Callable[["Dated"], None] | None = None, **keywords) -> None:
        super().__init__(*args, **keywords)
        self.rules = rules

    def validate(self, extra_validators=None) -> bool:
        super().validate(extra_validators)
        are_read = not any(one.errors for one in self if isinstance(one, (DateField, TimeField)))
        if self.rules is not None and are_read:
            with refusals_on(self):
                self.rules(self)
        return not self.errors


class Stamped(FlaskForm):
    """A form on what others may change meanwhile: `seen` says what it was filled with."""

    seen = HiddenField(id="fiche-actuelle")


class OfOneRow(Checked, Stamped):
    """The form of a row that others may change meanwhile."""

    def now_otherwise(self, values: dict) -> list[tuple[str, str]]:
        """(label, present value) of what is typed here otherwise than the row has it now."""
        pairs = [(self[name], value) for name, value in values.items() if name != "seen"]
        shown = [(one, _shown(one, one.data), _shown(one, value)) for one, value in pairs]
        return [(one.label.text, now) for one, typed, now in shown if typed != now]


def _shown(field: Field, value: object) -> str:
    if isinstance(field, SelectField):
        return next((choice.label for choice in field.choices if choice.value == value), str(value or "—"))
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return "(vide)" if value in (None, "") else str(value)


class ConfirmForm(FlaskForm):
    """Only the token: to confirm what the page says."""
