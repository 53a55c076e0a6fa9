"""Forms of the fines pages."""

from datetime import date

from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.fields import AtMost, LinesField, Needed, RadioField, SelectField, TextField
from eprunes.fines.answering import FilingReason, ImpossibilityReason
from eprunes.fines.designation_rules import declares_the_same, tidied
from eprunes.fines.services.designating import Proof
from eprunes.fleet import wording
from eprunes.fleet.driver_details import ADDRESS_FIELDS, DriverDetails
from eprunes.fleet.driver_rules import doubts
from eprunes.fleet.form_parts import Checked, LocalDateField, Quiet
from eprunes.fleet.models import DriverKind
from eprunes.fleet.plates import FRANCE

_NEEDED = "Indiquez {}."
SAME_AS_REFUSED = "L’ANTAI a refusé ces mêmes renseignements\u00a0: corrigez-les, ou cochez la case pour les renvoyer."
UNCHECKED = "Ce permis aurait été délivré avant ses 16 ans\u00a0: corrigez la date, ou cochez la case si c’est elle."
CIVILITIES = [SelectChoice("", "—"), SelectChoice("M.", "M."), SelectChoice("Mme", "Mme")]


COUNTRIES = [SelectChoice(code, name) for code, name in wording.countries()]


def _needed(what: str, longest: int) -> list:
    return [Needed(_NEEDED.format(what)), AtMost(longest)]


class DesignationForm(Checked):
    """What the agency is told of the one person designated; the driver's file changes only on a ticked box.

    `refused` is the sealed designation that the agency refused last: the same again needs a ticked box. So does
    what is improbable, so that it reaches the agency only after a second look.
    """

    driver_id = HiddenField()
    kind = RadioField(
        "Qualité",
        choices=[
            SelectChoice(DriverKind.EMPLOYEE.value, "Préposé (salarié)"),
            SelectChoice(DriverKind.RENTER.value, "Locataire"),
        ],
        default=DriverKind.EMPLOYEE.value,
    )
    civility = SelectField("Civilité", choices=CIVILITIES, validators=[Quiet()])
    last_name = TextField("Nom", validators=_needed("le nom", 80))
    first_name = TextField("Prénom", validators=_needed("le prénom", 80))
    birth_date = LocalDateField("Date de naissance", validators=[InputRequired(_NEEDED.format("la date de naissance"))])
    birth_place = TextField("Lieu de naissance", validators=[AtMost(80)])
    address_inside = TextField("Appartement, étage", validators=[AtMost(100)])
    address_complement = TextField("Bâtiment, résidence", validators=[AtMost(100)])
    address_line = TextField("N° et voie", validators=_needed("le numéro et la rue", 100))
    address_locality = TextField("Lieu-dit, boîte postale", validators=[AtMost(100)])
    postcode = TextField("Code postal", validators=_needed("le code postal", 12))
    city = TextField("Ville", validators=_needed("la ville", 80))
    country = SelectField("Pays", choices=COUNTRIES, default=FRANCE, validators=[Quiet()])
    licence_number = TextField("Numéro de permis", validators=_needed("le numéro de permis", 20))
    licence_issued_on = LocalDateField("Permis délivré le", validators=[Optional()])
    licence_country = SelectField("Pays du permis", choices=COUNTRIES, default=FRANCE, validators=[Quiet()])
    keep_in_fleet = BooleanField("Reporter aussi ces renseignements sur la fiche du conducteur")
    licence_checked = BooleanField("La date du permis est bien celle du titre")
    send_again = BooleanField("Renvoyer ces renseignements tels quels, malgré le refus")

    def __init__(self, *args, today: date, offence_day: date, refused: dict | None = None, **keywords) -> None:
        super().__init__(*args, today=today, **keywords)
        self.offence_day, self.refused = offence_day, refused

    @property
    def repeats_refused(self) -> bool:
        """Whether the form, as it stands, says what the agency refused."""
        if self.refused is None or self.kind.data != self.refused["qualite"]:
            return False
        return declares_the_same(self._tidied()[0], self.refused)

    @property
    def doubts(self) -> dict[str, str]:
        """What is improbable in the details, by field."""
        return doubts(self.details(DriverDetails()))

    def problems(self) -> dict[str, str]:
        """What is wrong in the details, by field."""
        found = self._tidied()[1]
        if not found and self.doubts and not self.licence_checked.data:
            found["licence_checked"] = UNCHECKED
        if not found and self.repeats_refused and not self.send_again.data:
            found["send_again"] = SAME_AS_REFUSED
        return found

    def _tidied(self) -> tuple[DriverDetails, dict[str, str]]:
        return tidied(self.details(DriverDetails()), self.today, self.offence_day)

    def details(self, known: DriverDetails) -> DriverDetails:
        """The details as typed; what this form does not ask for stays as known."""
        return DriverDetails(
            civility=self.civility.data or "",
            last_name=self.last_name.data,
            first_name=self.first_name.data,
            birth_date=self.birth_date.data,
            birth_place=self.birth_place.data,
            **{name: self[name].data for name in ADDRESS_FIELDS},
            country=(self.country.data or "").upper(),
            phone=known.phone,
            email=known.email,
            licence_number=self.licence_number.data,
            licence_issued_on=self.licence_issued_on.data,
            licence_country=(self.licence_country.data or "").upper(),
        )


class ImpossibilityForm(FlaskForm):
    """Why no driver can be designated: a reason of the closed list, its proofs, and the facts."""

    reason = RadioField(
        "Motif",
        choices=[SelectChoice(one.value, one.requirements.label) for one in ImpossibilityReason],
        validators=[InputRequired("Choisissez un motif.")],
    )
    first_reference = TextField("Référence de la pièce", validators=[Quiet(), AtMost(80)])
    first_date = LocalDateField("Date de la pièce", validators=[Quiet(), Optional()])
    second_reference = TextField("Référence de la seconde pièce", validators=[Quiet(), AtMost(80)])
    second_date = LocalDateField("Date de la seconde pièce", validators=[Quiet(), Optional()])
    comment = LinesField("Exposé des faits", validators=[Quiet(), AtMost(2000)])

    def chosen(self) -> ImpossibilityReason:
        return ImpossibilityReason(self.reason.data)

    def proofs(self) -> list[Proof]:
        """The proofs that were filled in, under the names that the reason gives them."""
        typed = [
            (self.first_reference.data, self.first_date.data),
            (self.second_reference.data, self.second_date.data),
        ]
        named = zip(self.chosen().requirements.proofs, typed, strict=False)
        return [Proof(nature, ref, on) for nature, (ref, on) in named if ref and on]


class FilingForm(FlaskForm):
    """Why a notice is classified without an answer."""

    filing_reason = RadioField(
        "Motif",
        choices=[SelectChoice(one.value, one.label) for one in FilingReason],
        validators=[InputRequired("Choisissez un motif.")],
    )


class ReopenForm(FlaskForm):
    """Only the token."""
