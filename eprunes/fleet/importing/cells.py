"""From one cell to one value: what each column of the workbook admits, and the sentence when it does not.

Every reader takes a cell that is not empty and raises ValueError with a French sentence.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale

from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.reading import Value
from eprunes.core.spreadsheets.values import as_instant, as_local_datetime, as_postcode, as_text
from eprunes.fleet.driver_rules import tidy_staff_number
from eprunes.fleet.importing.columns import plain
from eprunes.fleet.local_times import first_instant, last_instant
from eprunes.fleet.models import DriverKind, Energy, ExitReason, Holding
from eprunes.fleet.plates import FRANCE, country_alpha2
from eprunes.fleet.vehicle_rules import HIGHEST_CO2, tidy_formula
from eprunes.fleet.wording import countries

Reader = Callable[[Value], object]

_EXCEL_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"})
_LOST_ZERO = re.compile(r"\d{4}", re.ASCII)
_NAME_PART = re.compile(r"[^\W\d_]+")

_HOLDINGS = {
    Holding.OWNED: ("Propriété", "Achat", "En propre", "Propriétaire", "Acheté", "Owned", "Purchased"),
    Holding.LEASED: ("LLD", "Location longue durée", "Leased", "Lease", "Operating lease", "Long-term lease"),
    Holding.LEASED_TO_BUY: (
        *("LOA", "Location avec option d’achat", "Crédit-bail"),
        *("Finance lease", "Lease to buy", "Lease with purchase option"),
    ),
    Holding.RENTED: (
        *("Location", "LCD", "Location courte durée", "Location moyenne durée", "LMD"),
        *("Rented", "Rental", "Short-term rental", "Hired"),
    ),
}
_KINDS = {
    DriverKind.EMPLOYEE: ("Préposé", "Préposée", "Salarié", "Salariée", "Employé", "Employée", "Employee", "Staff"),
    DriverKind.RENTER: ("Locataire", "Renter", "Hirer"),
}
_CIVILITIES = {
    "M.": ("M", "Mr", "Monsieur", "Mister"),
    "Mme": ("Mme", "Madame", "Mlle", "Mademoiselle", "Mrs", "Ms", "Miss"),
}
_ENERGIES = {
    Energy.PETROL: ("Essence", "ES", "SP95", "SP98", "Petrol", "Gasoline"),
    Energy.DIESEL: ("Gazole", "GO", "Diesel"),
    Energy.ELECTRIC: ("Électricité", "EL", "Électrique", "Electric", "Electricity", "BEV"),
    Energy.HYBRID: (
        *("Hybride", "Hybride essence", "Hybride diesel", "EH", "GH"),
        *("Hybrid", "Petrol hybrid", "Diesel hybrid", "HEV"),
    ),
    Energy.PLUG_IN_HYBRID: ("Hybride rechargeable", "EE", "GL", "PHEV", "Plug-in hybrid"),
    Energy.ETHANOL: ("Superéthanol E85", "Superéthanol", "E85", "FE", "Bioéthanol", "Ethanol"),
    Energy.LPG: ("GPL", "GP", "EG", "LPG"),
    Energy.NATURAL_GAS: ("Gaz naturel", "GN", "GNV", "Gaz naturel (GNV)", "Natural gas", "CNG"),
    Energy.HYDROGEN: ("Hydrogène", "H2", "Hydrogen"),
    Energy.OTHER: ("Autre", "Autre énergie", "Other"),
}
_EXITS = {
    ExitReason.SOLD: ("Vente", "Vendu", "Cession", "Cédé", "Vendu ou cédé", "Sold"),
    ExitReason.RETURNED: (
        *("Restitution", "Restitué", "Restitué au loueur", "Fin de location"),
        *("Returned", "Returned to lessor", "End of lease", "Lease end"),
    ),
    ExitReason.DESTROYED: ("Destruction", "Détruit", "Épave", "Destroyed", "Scrapped"),
    ExitReason.STOLEN: ("Vol", "Volé", "Stolen", "Theft"),
    ExitReason.OTHER: ("Autre", "Autre motif", "Other"),
}
_ANSWERS = {True: ("Oui", "O", "Vrai", "X", "1", "Yes", "Y", "True"), False: ("Non", "N", "Faux", "0", "No", "False")}
_CHOICES = (_HOLDINGS, _KINDS, _ENERGIES, _EXITS, _ANSWERS)
LABELS = {value: words[0] for choices in _CHOICES for value, words in choices.items()}
"""How stored choices are called in a workbook."""


def text(longest: int) -> Reader:
    """A text of at most so many characters."""

    def read(cell: Value) -> str:
        value = plain_text(cell)
        if len(value) > longest:
            raise ValueError(f"{longest} caractères au plus, celui-ci en a {len(value)}")
        return value

    return read


def co2(cell: Value) -> int:
    """Grams of CO2 by kilometre."""
    value = plain_text(cell)
    if not value.isdecimal() or int(value) > HIGHEST_CO2:
        raise ValueError(f"«\u00a0{value[:40]}\u00a0» n’est pas un nombre de 0 à {HIGHEST_CO2}")
    return int(value)


def formula(cell: Value) -> str:
    """The number of a registration certificate."""
    return text(15)(tidy_formula(plain_text(cell)))


def staff_number(cell: Value) -> str:
    """A staff number in the form in which drivers are known by it."""
    return text(30)(tidy_staff_number(plain_text(cell)))


def plain_text(cell: Value) -> str:
    """The text of a cell. Raises ValueError when a formula failed in it."""
    value = as_text(cell)
    if value in _EXCEL_ERRORS:
        raise ValueError(f"la formule de cette case est en erreur ({value})")
    return value


def name(cell: Value) -> str:
    """A person's name; one written all in capitals or all in small letters gets a capital at each word."""
    value = plain_text(cell)
    if value.isupper() or value.islower():
        return _NAME_PART.sub(lambda part: part[0].capitalize(), value)
    return value


def one_of(choices: dict, expected: str) -> Reader:
    """One of a few words, whatever its case and accents."""
    by_word = {plain(word): value for value, words in choices.items() for word in words}

    def read(cell: Value) -> object:
        value = plain_text(cell)
        if plain(value) not in by_word:
            raise ValueError(f"«\u00a0{value[:40]}\u00a0» n’est pas reconnu (attendu {expected})")
        return by_word[plain(value)]

    return read


holding = one_of(_HOLDINGS, "Propriété, LLD, LOA ou Location")
driver_kind = one_of(_KINDS, "Préposé ou Locataire")
energy = one_of(_ENERGIES, "Essence, Gazole, Électricité, Hybride…")
exit_reason = one_of(_EXITS, "Vente, Restitution, Destruction, Vol ou Autre")
yes_or_no = one_of(_ANSWERS, "Oui ou Non")
civility = one_of(_CIVILITIES, "M. ou Mme")


def country(cell: Value) -> str:
    """ISO alpha-2 code of a country given by its code or its French or English name."""
    value = plain_text(cell)
    return _countries().get(plain(value)) or _country_code(value)


def postcode(cell: Value, country: str) -> str:
    """A postcode of this country; a French one gets back the leading zero that Excel took."""
    if country != FRANCE:
        return plain_text(cell)
    value = as_postcode(cell)
    return value.zfill(5) if _LOST_ZERO.fullmatch(value) else value


def instant(zone: ZoneInfo, *, is_end: bool) -> Callable[[Value], tuple[datetime, bool]]:
    """An instant and whether its hour was given; a day alone is its start, or its 24:00 for an end."""
    of_day = last_instant if is_end else first_instant

    def read(cell: Value) -> tuple[datetime, bool]:
        if exact := as_instant(cell):
            return exact, True
        local, has_hour = as_local_datetime(cell)
        try:
            return of_day(local.date(), local.time() if has_hour else None, zone, ""), has_hour
        except Refused as refusal:
            raise ValueError(str(refusal)) from refusal

    return read


@cache
def _countries() -> dict[str, str]:
    names = [pair for language in ("en", "fr") for pair in Locale(language).territories.items()]
    return {plain(label): code for code, label in (*names, *countries()) if len(code) == 2 and code.isalpha()}


@cache
def _country_code(value: str) -> str:
    return country_alpha2(value)


def is_blank(cells: Iterable[Value]) -> bool:
    """True for a line with nothing in it but spaces."""
    return not any(cell is not None and as_text(cell) for cell in cells)


def sentence(error: ValueError) -> str:
    """The message of an error, with a capital and a full stop."""
    message = str(error)
    return f"{message[:1].upper()}{message[1:]}" + ("" if message.endswith((".", ")")) else ".")
