"""Forms of notices that came on paper: typing one in, noting that a paper came, letters, lists of numbers."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.fields import AtMost, IntegerField, LinesField, Needed, RadioField, SelectField, TextField
from eprunes.core.files import LARGEST_BYTES
from eprunes.fines.models import Notice, NoticeKind
from eprunes.fines.notice_details import NoticeDetails
from eprunes.fines.paper.letter_pages import Head
from eprunes.fines.paper.typed_notices import FEE_LABEL, TypedNotice, problems
from eprunes.fines.services.attachments import Sent
from eprunes.fleet import wording
from eprunes.fleet.form_parts import LocalDateField, LocalTimeField, Quiet, needed_day, optional_day
from eprunes.fleet.plates import FRANCE

_FILES = {"accept": "application/pdf,image/jpeg,image/png"}
_SPEEDS = ("speed_limit", "speed_retained", "speed_measured")


class NeededTimeField(LocalTimeField):
    """An hour that has to be given."""

    def __init__(self, label: str, sentence: str, **keywords) -> None:
        super().__init__(label, **keywords)
        self.validators, self.flags.optional, self.flags.required = [InputRequired(sentence)], False, True


def _speed(label: str) -> IntegerField:
    return IntegerField(label, validators=[Optional()], render_kw={"inputmode": "numeric", "min": 1, "max": 999})


class TypedForm(FlaskForm):
    """The fields of a paper notice, checked all at once by the rules of `typed_notices`."""

    kind = RadioField(
        "Nature du document",
        choices=[
            SelectChoice(NoticeKind.OFFENCE.value, "Avis de contravention"),
            SelectChoice(NoticeKind.PARKING_FEE.value, FEE_LABEL),
        ],
        default=NoticeKind.OFFENCE.value,
    )
    number = TextField(
        "Numéro de l’avis",
        validators=[Needed("Indiquez le numéro de l’avis."), AtMost(60)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    noticed_on = needed_day("Date de l’avis", "Indiquez la date de l’avis.")
    sent_on = optional_day("Date d’envoi")
    plate = TextField("Immatriculation", validators=[Needed("Indiquez l’immatriculation."), AtMost(20)])
    country = SelectField(
        "Pays", choices=[SelectChoice(*one) for one in wording.countries()], default=FRANCE, validators=[Quiet()]
    )
    is_plate_sure = BooleanField("L’immatriculation est bien celle que porte l’avis")
    is_checked = BooleanField("Les dates sont bien celles de l’avis")
    offence_on = needed_day("Date de l’infraction", "Indiquez la date de l’infraction.")
    offence_hour = NeededTimeField("Heure", "Indiquez l’heure de l’infraction.")
    place = TextField("Lieu", validators=[AtMost(150)])
    postcode = TextField("Code postal", validators=[AtMost(5)], render_kw={"inputmode": "numeric"})
    city = TextField("Commune", validators=[AtMost(80)])
    natinf = TextField("Code NATINF", validators=[AtMost(6)], render_kw={"inputmode": "numeric"})
    label = TextField("Nature de l’infraction", validators=[AtMost(200)])
    speed_limit = _speed("Vitesse limite (km/h)")
    speed_retained = _speed("Vitesse retenue (km/h)")
    speed_measured = _speed("Vitesse mesurée (km/h)")
    asks_designation = BooleanField(
        "L’avis porte l’encadré rouge «\u00a0ATTENTION\u00a0!\u00a0»\u00a0: désignation obligatoire"
    )
    scan = FileField("Copie de l’avis", validators=[Optional()], render_kw=_FILES)

    def __init__(self, *args, zone: ZoneInfo, as_of: datetime, **keywords) -> None:
        super().__init__(*args, **keywords)
        self.zone, self.as_of, self.is_plate_odd = zone, as_of, False

    def validate(self, extra_validators=None) -> bool:
        fine = super().validate(extra_validators)
        if any(self[name].errors for name in ("kind", "noticed_on", "sent_on", "offence_on", "offence_hour", *_SPEEDS)):
            return False
        for name, sentence in problems(self.typed(), self.zone, self.as_of).items():
            if not self[name].errors:
                self[name].errors, fine = [sentence], False
        return fine

    def typed(self) -> TypedNotice:
        """The notice as it was typed."""
        same = ("number", "noticed_on", "sent_on", "plate", "offence_on", "offence_hour", "place", "postcode", "city")
        values = {name: self[name].data for name in (*same, "natinf", "label", *_SPEEDS)}
        sure = {"asks_designation": self.asks_designation.data, "is_plate_sure": self.is_plate_sure.data}
        return TypedNotice(kind=NoticeKind(self.kind.data), country=self.country.data or FRANCE, **values, **sure)

    def scans(self) -> list[Sent]:
        """The scan, if one was sent; of one that is too heavy, enough to tell."""
        sent = self.scan.data
        return [Sent(sent.filename, sent.read(LARGEST_BYTES + 1), "scan")] if sent and sent.filename else []


def values_of(notice: Notice, details: NoticeDetails) -> dict:
    """What a form is filled with to correct a notice that was typed in."""
    local = notice.offence_at.astimezone(ZoneInfo(notice.offence_zone))
    same = ("plate", "country", "place", "postcode", "city", "label", *_SPEEDS)
    return {
        **{name: getattr(details, name) for name in same},
        "kind": notice.kind,
        "number": details.number + details.raw.get("cle", ""),
        "noticed_on": notice.notice_date,
        "sent_on": notice.sent_on,
        "offence_on": notice.offence_day,
        "offence_hour": local.time(),
        "natinf": notice.natinf,
        "asks_designation": bool(notice.designation_asked),
    }


class PaperForm(FlaskForm):
    """When the paper of a notice was sent."""

    sent_on = needed_day("Date d’envoi de l’avis", "Indiquez la date d’envoi\u00a0; à défaut, la date de l’avis.")
    is_checked = BooleanField("La nouvelle date est bien celle de l’envoi de l’avis")


class ReconcileForm(FlaskForm):
    """A list of notice numbers, pasted or sent as a file."""

    numbers = LinesField("Numéros collés", validators=[Quiet()], render_kw={"rows": 8, "autocomplete": "off"})
    file = FileField("ou fichier", validators=[Optional()], render_kw={"accept": ".xlsx,.csv,.txt"})


class LetterForm(FlaskForm):
    """What the letters say of who writes to whom; kept nowhere."""

    sender = LinesField(
        "Adresse de l’expéditeur",
        validators=[Quiet(), AtMost(300)],
        render_kw={"rows": 3, "autocomplete": "street-address"},
    )
    addressee = LinesField("Destinataire", validators=[Quiet(), AtMost(300)], render_kw={"rows": 4})
    place = TextField("Fait à", validators=[Quiet(), AtMost(60)], render_kw={"autocomplete": "address-level2"})
    signatory = TextField(
        "Signataire et qualité", validators=[Quiet(), AtMost(120)], render_kw={"autocomplete": "name"}
    )

    def head(self) -> Head:
        """The letters' head, as typed."""
        return Head(self.sender.data, self.addressee.data, self.place.data, self.signatory.data)


class PostedForm(FlaskForm):
    """How and when a letter went."""

    receipt_number = TextField(
        "Numéro du recommandé", validators=[Needed("Indiquez le numéro du recommandé."), AtMost(40)]
    )
    posted_on = needed_day("Postée le", "Indiquez le jour où la lettre a été postée.")


REVERSED = "Le dernier jour est avant le premier."


class PeriodForm(FlaskForm):
    """From a day to a day, both included, open where nothing is given; or only what waits to be posted."""

    class Meta:
        csrf = False

    since = LocalDateField("Du", validators=[Optional()])
    until = LocalDateField("au", validators=[Optional()])

    to_post = BooleanField("Lettres à poster seulement")

    def validate(self, extra_validators=None) -> bool:
        if not super().validate(extra_validators):
            return False
        are_reversed = self.since.data and self.until.data and self.until.data < self.since.data
        if are_reversed:
            self.until.errors = [REVERSED]
        return not are_reversed

    def values(self) -> dict:
        """What was asked for, once it is valid."""
        return {"since": self.since.data, "until": self.until.data, "to_post": self.to_post.data}
