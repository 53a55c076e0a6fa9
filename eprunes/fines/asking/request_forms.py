"""Forms of what is asked of a driver: by a user, and of the driver."""

from datetime import date
from uuid import UUID

from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from eprunes.core.fields import AtMost, LinesField, RadioField, SelectField, TextField
from eprunes.fines.designation_rules import AGENCY_FIELDS, tidied
from eprunes.fines.forms import CIVILITIES, COUNTRIES
from eprunes.fines.models import Reply
from eprunes.fines.services.requesting import Told
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.form_parts import Checked, LocalDateField, Quiet
from eprunes.fleet.plates import FRANCE

BY_MAIL, BY_LINK = "courriel", "lien"
_NEEDED = {
    "last_name": "Indiquez votre nom.",
    "first_name": "Indiquez votre prénom.",
    "birth_date": "Indiquez votre date de naissance.",
    "address_line": "Indiquez le numéro et la rue.",
    "postcode": "Indiquez le code postal.",
    "city": "Indiquez la ville.",
    "licence_number": "Indiquez le numéro de votre permis.",
}


def _typed(label: str, longest: int, complete: str = "off", *, needed: bool = True) -> TextField:
    """A line that browsers may fill in; whether it is needed depends on who drove."""
    marks = [Quiet()] if needed else []
    return TextField(label, validators=[*marks, AtMost(longest)], render_kw={"autocomplete": complete})


class AskForm(FlaskForm):
    """How the link reaches the driver."""

    driver_id = HiddenField()
    way = RadioField(
        "Comment lui faire parvenir le lien",
        choices=[
            SelectChoice(BY_MAIL, "Par e-mail, à l’adresse de sa fiche"),
            SelectChoice(BY_LINK, "Par un lien à copier, que vous transmettez vous-même"),
        ],
        validators=[InputRequired("Choisissez comment lui faire parvenir le lien.")],
    )

    def propose(self, driver: DriverDetails) -> None:
        """Before anybody chose: by mail where the file has an address."""
        if not self.is_submitted():
            self.way.data = BY_MAIL if driver.email else BY_LINK

    def driver(self) -> UUID:
        """The driver, once it was looked up."""
        return UUID(self.driver_id.data)


class DriverReplyForm(Checked):
    """What a driver without an account says of one notice, and of themselves. Nothing known is shown in it."""

    reply = RadioField(
        "Qui conduisait\u00a0?",
        choices=[
            SelectChoice(Reply.MINE.value, "C’était moi"),
            SelectChoice(Reply.NOT_MINE.value, "Ce n’était pas moi"),
        ],
        validators=[InputRequired("Dites qui conduisait.")],
    )
    civility = SelectField(
        "Civilité", choices=CIVILITIES, validators=[Quiet()], render_kw={"autocomplete": "honorific-prefix"}
    )
    last_name = _typed("Nom", 80, "family-name")
    first_name = _typed("Prénom", 80, "given-name")
    birth_date = LocalDateField(
        "Date de naissance", validators=[Quiet(), Optional()], render_kw={"autocomplete": "bday"}
    )
    birth_place = _typed("Lieu de naissance", 80, needed=False)
    address_inside = _typed("Appartement, étage", 100, needed=False)
    address_complement = _typed("Bâtiment, résidence", 100, "address-line2", needed=False)
    address_line = _typed("N° et voie", 100, "address-line1")
    address_locality = _typed("Lieu-dit, boîte postale", 100, needed=False)
    postcode = _typed("Code postal", 12, "postal-code")
    city = _typed("Ville", 80, "address-level2")
    country = SelectField(
        "Pays", choices=COUNTRIES, default=FRANCE, validators=[Quiet()], render_kw={"autocomplete": "country"}
    )
    licence_number = _typed("Numéro de permis", 20)
    licence_issued_on = LocalDateField("Permis délivré le", validators=[Optional()], render_kw={"autocomplete": "off"})
    licence_country = SelectField("Pays du permis", choices=COUNTRIES, default=FRANCE, validators=[Quiet()])
    remark = LinesField("Votre remarque", validators=[Quiet(), AtMost(1000)])

    def __init__(self, *args, today: date, offence_day: date, **keywords) -> None:
        super().__init__(*args, today=today, **keywords)
        self.offence_day = offence_day

    def problems(self) -> dict[str, str]:
        """What is missing or wrong, by field; of who did not drive, only what they know is asked."""
        if self.reply.data != Reply.MINE:
            is_mute = self.reply.data == Reply.NOT_MINE and not self.remark.data
            return {"remark": "Dites en quelques mots ce que vous savez."} if is_mute else {}
        missing = {name: sentence for name, sentence in _NEEDED.items() if not self[name].data}
        return tidied(self._details(), self.today, self.offence_day)[1] | missing

    def told(self) -> Told:
        """What was said, once the form is right."""
        reply = Reply(self.reply.data)
        return Told(reply, self._details() if reply is Reply.MINE else None, self.remark.data)

    def _details(self) -> DriverDetails:
        typed = {name: self[name].data for name in AGENCY_FIELDS}
        return DriverDetails(**{name: one for name, one in typed.items() if one is not None})
