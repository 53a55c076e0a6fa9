"""Forms of the catalogue of offences."""

from datetime import date
from decimal import Decimal, InvalidOperation

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional, ValidationError

from eprunes.core.fields import AtMost, Needed, SelectField, TextField
from eprunes.fines import catalogue_rules as rules
from eprunes.fines.catalogue_rules import ALWAYS, Days, Said
from eprunes.fines.models import Offence
from eprunes.fleet.form_parts import LocalDateField, Quiet

UNKNOWN, YES, NO = "", "oui", "non"


def _amount(form: FlaskForm, field: TextField) -> None:
    try:
        read_amount(field.data)
    except InvalidOperation as error:
        raise ValidationError(rules.NOT_MONEY) from error


def read_amount(typed: str) -> Decimal | None:
    """An amount as it is typed in France; None when nothing is. Raises InvalidOperation."""
    bare = typed.replace("€", "").replace(" ", "").replace(",", ".")
    return Decimal(bare) if bare else None


def _amount_field(label: str) -> TextField:
    return TextField(label, validators=[Quiet(), _amount], render_kw={"inputmode": "decimal", "autocomplete": "off"})


def _choices(pairs: dict[str, str]) -> dict:
    return {"choices": [SelectChoice(value, word) for value, word in pairs.items()], "validators": [Quiet()]}


class _SaidForm(FlaskForm):
    """What a line says of an offence."""

    label = TextField("Libellé", validators=[Needed("Indiquez le libellé."), AtMost(rules.LONGEST_LABEL)])
    article = TextField("Article", validators=[AtMost(rules.LONGEST_ARTICLE)])
    offence_class = SelectField("Classe", **_choices(rules.CLASSES))
    points = SelectField(
        "Points retirés", **_choices({UNKNOWN: "Inconnu", **{str(n): str(n) for n in range(rules.MOST_POINTS + 1)}})
    )
    reduced_amount = _amount_field("Amende minorée (€)")
    standard_amount = _amount_field("Amende forfaitaire (€)")
    increased_amount = _amount_field("Amende majorée (€)")
    automatic = BooleanField("Peut être constatée par un contrôle automatique")
    designation_required = SelectField(
        "La loi impose de désigner", **_choices({UNKNOWN: "Non précisé", YES: "Oui", NO: "Non"})
    )

    def said(self) -> Said:
        """What the form says, once it is valid."""
        return Said(
            label=self.label.data,
            article=self.article.data,
            offence_class=self.offence_class.data,
            points=int(self.points.data) if self.points.data else None,
            reduced_amount=read_amount(self.reduced_amount.data),
            standard_amount=read_amount(self.standard_amount.data),
            increased_amount=read_amount(self.increased_amount.data),
            automatic=self.automatic.data,
            designation_required={YES: True, NO: False}.get(self.designation_required.data),
        )


class _SeenForm(_SaidForm):
    """Of a line that is there; `seen` is what it was known by when it was shown."""

    seen = HiddenField()


class ChangeLineForm(_SeenForm):
    valid_from = LocalDateField("Premier jour", validators=[Optional()])
    valid_to = LocalDateField("Dernier jour", validators=[Optional()])

    def days(self) -> Days:
        """Without a first day the line holds since ever."""
        return Days(self.valid_from.data or ALWAYS, self.valid_to.data)


class AddLineForm(ChangeLineForm):
    natinf = TextField(
        "NATINF",
        validators=[Needed("Indiquez le NATINF."), AtMost(rules.LONGEST_NATINF)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


class ReplaceLineForm(_SeenForm):
    valid_from = LocalDateField("À partir du", validators=[InputRequired("Indiquez le premier jour.")])


def values_of(line: Offence) -> dict:
    """What the forms of a line start with."""
    said = {name: getattr(line, name) for name in ("label", "article", "offence_class", "automatic", "valid_to")}
    amounts = {name: getattr(line, name) for name in ("reduced_amount", "standard_amount", "increased_amount")}
    return said | {
        "seen": rules.mark_of(line.edited_at),
        "points": UNKNOWN if line.points is None else str(line.points),
        "designation_required": {True: YES, False: NO}.get(line.designation_required, UNKNOWN),
        "valid_from": _first_day(line.valid_from),
        **{name: f"{one:.2f}".replace(".", ",") if one is not None else "" for name, one in amounts.items()},
    }


def _first_day(day: date) -> date | None:
    return None if day == ALWAYS else day
