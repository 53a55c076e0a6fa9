"""Forms of the fines pages."""

from datetime import date
from uuid import UUID

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.fields import AtMost, LinesField, Needed, RadioField, SelectField, TextField
from eprunes.core.files import LARGEST_BYTES
from eprunes.core.refusals import Refused
from eprunes.fines.answering import FilingReason, ImpossibilityReason
from eprunes.fines.attached import KIND_WORDS
from eprunes.fines.designation_rules import declares_the_same, tidied
from eprunes.fines.services.attachments import Sent
from eprunes.fines.services.designating import Proof
from eprunes.fines.services.vehicle_choice import VEHICLE_GONE
from eprunes.fleet import wording
from eprunes.fleet.driver_details import ADDRESS_FIELDS, DriverDetails
from eprunes.fleet.driver_rules import doubts
from eprunes.fleet.form_parts import Checked, LocalDateField, Quiet
from eprunes.fleet.models import DriverKind
from eprunes.fleet.plates import FRANCE

_NEEDED = "Indiquez {}."
FILES = {"accept": "application/pdf,image/jpeg,image/png"}
UPDATE_FILE = "Reporter aussi ces renseignements sur la fiche du conducteur"
ADD_TO_FLEET = "Ajouter ce conducteur au parc"
SAME_AS_REFUSED = "L’ANTAI a refusé ces mêmes renseignements\u00a0: corrigez-les, ou cochez la case pour les renvoyer."
UNCHECKED = "Ce permis aurait été délivré avant ses 16 ans\u00a0: corrigez la date, ou cochez la case si c’est elle."
CONFIRM_CORRECTION = "Cochez la case pour confirmer la correction."
CIVILITIES = [SelectChoice("", "—"), SelectChoice("M.", "M."), SelectChoice("Mme", "Mme")]


COUNTRIES = [SelectChoice(code, name) for code, name in wording.countries()]


def _needed(what: str, longest: int) -> list:
    return [Needed(_NEEDED.format(what)), AtMost(longest)]


class DesignationForm(Checked):
    """What the agency is told of the one person designated; the driver's file changes only on a ticked box.

    `refused` is the sealed designation that the agency refused last: the same again needs a ticked box. So does
    what is improbable, so that it reaches the agency only after a second look. `to_explain`: what has to be explained
    of this driver, if anything.
    """

    driver_id = HiddenField()
    kind = RadioField(
        "Qualité",
        choices=[
            SelectChoice(DriverKind.EMPLOYEE.value, "Préposé (salarié)"),
            SelectChoice(DriverKind.RENTER.value, "Locataire"),
            SelectChoice(DriverKind.REPRESENTATIVE.value, "Représentant légal"),
        ],
        default=DriverKind.EMPLOYEE.value,
    )
    because = TextField("Pourquoi ce conducteur\u00a0?", validators=[Quiet(), AtMost(300)])
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
    keep_in_fleet = BooleanField(UPDATE_FILE)
    licence_checked = BooleanField("La date du permis est bien celle du titre")
    send_again = BooleanField("Renvoyer ces renseignements tels quels, malgré le refus")

    def __init__(
        self,
        *args,
        today: date,
        offence_day: date,
        refused: dict | None = None,
        to_explain: str = "",
        **keywords,
    ) -> None:
        super().__init__(*args, today=today, **keywords)
        self.offence_day, self.refused, self.to_explain = offence_day, refused, to_explain
        if not self.driver_id.data:
            self.keep_in_fleet.label.text = ADD_TO_FLEET

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
        if self.to_explain and not self.because.data:
            found["because"] = self.to_explain
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


class CorrectionForm(DesignationForm):
    """A designation that replaces an answer which the agency has registered: said twice."""

    confirmed = BooleanField(
        "Cette désignation remplace la réponse enregistrée",
        validators=[InputRequired(CONFIRM_CORRECTION)],
    )


class ImpossibilityForm(FlaskForm):
    """Why no driver can be designated: a reason of the closed list, its proofs with their files, and the facts."""

    reason = RadioField(
        "Motif",
        choices=[SelectChoice(one.value, one.requirements.label) for one in ImpossibilityReason],
        validators=[InputRequired("Choisissez un motif.")],
    )
    first_reference = TextField(
        "Référence du récépissé, ou de la déclaration (cession, destruction)", validators=[Quiet(), AtMost(80)]
    )
    first_date = LocalDateField(
        "Date du récépissé, ou de la déclaration (cession, destruction)", validators=[Quiet(), Optional()]
    )
    first_file = FileField("Copie du récépissé, de la déclaration ou d’une autre pièce", render_kw=FILES)
    second_reference = TextField("Référence de l’accusé d’enregistrement SIV", validators=[Quiet(), AtMost(80)])
    second_date = LocalDateField("Date de l’accusé d’enregistrement SIV", validators=[Quiet(), Optional()])
    second_file = FileField("Copie de l’accusé d’enregistrement SIV", render_kw=FILES)
    comment = LinesField("Exposé des faits", validators=[Quiet(), AtMost(2000)])

    def validate(self, extra_validators=None) -> bool:
        return super().validate(extra_validators) and not self._lacks_proof()

    def _lacks_proof(self) -> bool:
        """Say of each proof that the reason asks for, by its name and on its own fields, what is missing."""
        typed = (self.first_reference, self.first_date), (self.second_reference, self.second_date)
        for nature, (reference, dated) in zip(self.chosen().requirements.proofs, typed, strict=False):
            if not reference.data:
                reference.errors = [f"{nature}\u00a0: indiquez sa référence."]
            if not dated.data:
                dated.errors = [f"{nature}\u00a0: indiquez sa date."]
        return bool(self.errors)

    def chosen(self) -> ImpossibilityReason:
        return ImpossibilityReason(self.reason.data)

    def proofs(self) -> list[Proof]:
        """The proofs that were filled in, under the names that the reason gives them, each with its file."""
        typed = [
            (self.first_reference.data, self.first_date.data, _sent(self.first_file)),
            (self.second_reference.data, self.second_date.data, _sent(self.second_file)),
        ]
        named = zip(self.chosen().requirements.proofs, typed, strict=False)
        return [Proof(nature, ref, on, file) for nature, (ref, on, file) in named if ref and on]

    def supporting(self) -> Sent | None:
        """A file sent with a statement, where the reason has no proof of its own."""
        return None if self.chosen().requirements.proofs else _sent(self.first_file)

    def told(self) -> dict:
        """What a form that was checked declares."""
        papers = {"proofs": self.proofs(), "supporting": self.supporting()}
        return {"reason": self.chosen(), "comment": self.comment.data or "", **papers}


class ImpossibleCorrectionForm(ImpossibilityForm):
    """An impossibility that replaces an answer which the agency has registered: said twice."""

    confirmed_impossible = BooleanField(
        "Cette déclaration remplace la réponse enregistrée",
        validators=[InputRequired(CONFIRM_CORRECTION)],
    )


class NoteForm(FlaskForm):
    """An internal note."""

    text = LinesField("Nouvelle note", validators=[Needed("Écrivez la note."), AtMost(2000)])


class FileForm(FlaskForm):
    """A file to keep with a notice."""

    file_kind = SelectField(
        "Nature", choices=[SelectChoice(kind.value, word) for kind, word in KIND_WORDS.items()], validators=[Quiet()]
    )
    file = FileField("Fichier", validators=[FileRequired("Choisissez le fichier à joindre.")], render_kw=FILES)

    def sent(self) -> Sent:
        return _sent(self.file)


class VehicleChoiceForm(FlaskForm):
    """Which vehicle a notice is about; none: to undo the choice."""

    vehicle_id = HiddenField()

    def chosen(self) -> UUID | None:
        """Raises Refused for what is no vehicle's id."""
        try:
            return UUID(self.vehicle_id.data) if self.vehicle_id.data else None
        except ValueError as error:
            raise Refused(VEHICLE_GONE) from error


class FilingForm(FlaskForm):
    """Why a notice is classified without an answer."""

    filing_reason = RadioField(
        "Motif",
        choices=[SelectChoice(one.value, one.label) for one in FilingReason],
        validators=[InputRequired("Choisissez un motif.")],
    )
    comment = TextField("Précision", validators=[Quiet(), AtMost(300)])


class ReopenForm(FlaskForm):
    """Only the token."""


def _sent(field: FileField) -> Sent | None:
    """What a field of a file sent; of one that is too heavy, enough to tell."""
    return Sent(field.data.filename, field.data.read(LARGEST_BYTES + 1), field.short_name) if field.data else None
