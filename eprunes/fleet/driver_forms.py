"""Forms of drivers."""

from dataclasses import fields
from datetime import datetime

from flask_wtf import FlaskForm
from wtforms import HiddenField, SubmitField

from eprunes.core.fields import EmailField, TelField
from eprunes.fleet import driver_rules, wording
from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.form_parts import OfOneRow, choice, needed_day, optional_day, text
from eprunes.fleet.models import Driver
from eprunes.fleet.versions import driver_version, stamp


class DriverForm(OfOneRow):
    """A driver's file; `create_anyway` is the answer to « this may be somebody whom you have already »."""

    kind = choice("Qualité", wording.KINDS.items())
    staff_number = text("Matricule", maxlength=30)
    left_on = optional_day("Parti le")
    civility = choice("Civilité", [("", "—"), ("M.", "M."), ("Mme", "Mme")])
    last_name = text("Nom", "Indiquez le nom.")
    first_name = text("Prénom", "Indiquez le prénom.")
    birth_date = optional_day("Date de naissance")
    birth_place = text("Lieu de naissance")
    address_inside = text("Appartement, étage")
    address_complement = text("Bâtiment, résidence")
    address_line = text("N° et voie")
    address_locality = text("Lieu-dit, boîte postale")
    postcode = text("Code postal")
    city = text("Ville")
    country = choice("Pays", wording.countries())
    phone = TelField("Téléphone")
    email = EmailField("Adresse e-mail")
    licence_number = text("N° de permis de conduire", autocapitalize="characters", spellcheck="false")
    licence_issued_on = optional_day("Permis délivré le")
    licence_country = choice("Pays du permis", wording.countries())
    create_anyway = SubmitField("Créer quand même")

    def problems(self) -> dict[str, str]:
        """What the driver rules find wrong, by field."""
        details = self.details()
        departure = driver_rules.departure_problem(details, self.left_on.data)
        problems = driver_rules.tidied(details, self.today)[1]
        return problems | {"left_on": departure} if departure else problems

    def details(self) -> DriverDetails:
        """The identity as typed."""
        return DriverDetails(**{name: self[name].data or _EMPTY.get(name, "") for name in _DETAIL_NAMES})

    def values(self) -> dict:
        """What is known of the driver beside the identity."""
        return {"kind": self.kind.data, "staff_number": self.staff_number.data, "left_on": self.left_on.data}


def driver_values(driver: Driver, details: DriverDetails, as_of: datetime) -> dict:
    """What the form of this driver starts with."""
    return {
        "kind": driver.kind,
        "staff_number": driver.staff_number,
        "left_on": driver.left_on,
        "seen": stamp(driver_version(driver, details), as_of),
        **{name: getattr(details, name) for name in _DETAIL_NAMES},
    }


_EMPTY = {"birth_date": None, "licence_issued_on": None}
_DETAIL_NAMES = [field.name for field in fields(DriverDetails)]


class MergeForm(FlaskForm):
    """Which file falls away, and the version of both that the page compared."""

    other = HiddenField()
    seen = HiddenField()


class DriverLeftForm(FlaskForm):
    on = needed_day("Dernier jour", "Indiquez le dernier jour.")
