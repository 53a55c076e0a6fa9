"""What may be written about a driver: the details a person gives, tidied, and what is wrong with them."""

import re
import unicodedata
from dataclasses import fields, replace
from datetime import date

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from eprunes.core.texts import tidy_line
from eprunes.fleet.driver_details import (
    YOUNGEST_AGE,
    DriverDetails,
    birthday_of,
    has_too_early_licence,
    precedes_birth,
)
from eprunes.fleet.plates import FRANCE, InvalidPlate, country_alpha2

_EARLIEST_BIRTH = date(1900, 1, 1)
_LONGEST_TEXT = 100
_OVERSEAS_REGIONS = {"971": "GP", "972": "MQ", "973": "GF", "974": "RE", "975": "PM", "976": "YT"}
_OVERSEAS_REGIONS |= {"977": "BL", "978": "MF", "986": "WF", "987": "PF", "988": "NC"}
_LICENCE = re.compile(r"[A-Z0-9][A-Z0-9 /.-]{1,18}[A-Z0-9]", re.ASCII)
_USUAL_FRENCH_LICENCE = re.compile(r"\d{12}|\d{2}[A-Z]{2}\d{5}", re.ASCII)
_NAMES = {"last_name": "Indiquez le nom.", "first_name": "Indiquez le prénom."}
_NOT_IN_NAMES = {"So", "Sm", "Sc", "Me", "Co", "Cn"}
_TEXTS = [field.name for field in fields(DriverDetails) if field.type is str]


def tidied(details: DriverDetails, today: date) -> tuple[DriverDetails, dict[str, str]]:
    """The details as they are stored, and the French sentences of what is wrong, by field.

    `today` is the organisation's local day. Only the names are required: the rest may come later.
    """
    texts = {name: tidy_line(getattr(details, name)) for name in _TEXTS}
    tidy, problems = replace(details, **texts), {}
    checks = {
        "country": lambda: _country(tidy.country),
        "licence_country": lambda: _country(tidy.licence_country),
        "phone": lambda: parse_phone(tidy.phone, tidy.country, tidy.postcode),
        "email": lambda: parse_email(tidy.email),
        "postcode": lambda: parse_postcode(tidy.postcode, tidy.country),
        "licence_number": lambda: parse_licence_number(tidy.licence_number),
    }
    for name, check in checks.items():
        try:
            tidy = replace(tidy, **{name: check()})
        except ValueError as error:
            problems[name] = str(error)
    return tidy, {**_city_problem(tidy), **_text_problems(texts), **_wrong_dates(tidy, today), **problems}


def tidy_staff_number(text: str) -> str:
    """A staff number as it is stored and compared: in capitals, so that `e1009` and `E1009` are one driver's."""
    return tidy_line(text).upper()


def parse_phone(text: str, country: str = FRANCE, postcode: str = "") -> str:
    """A telephone number as E.164 (`+33466220885`), or empty. Raises ValueError with a French sentence.

    A number without a country code is read in the country of the address; overseas, in that department or
    territory if the number exists there, else in mainland France.
    """
    if not text:
        return ""
    overseas = _OVERSEAS_REGIONS.get(postcode[:3]) if country == FRANCE else None
    number = _phone(text, overseas) if overseas else None
    if number is None or not phonenumbers.is_valid_number(number):
        number = _phone(text, country)
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError(f"«\u00a0{text[:40]}\u00a0» n’est pas un numéro de téléphone.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _phone(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def shown_phone(number: str) -> str:
    """A stored number as people read it: `04 66 22 08 85`, or with its country code when not French."""
    if not number.startswith("+"):
        return number
    parsed = phonenumbers.parse(number)
    kind = phonenumbers.PhoneNumberFormat
    return phonenumbers.format_number(parsed, kind.NATIONAL if parsed.country_code == 33 else kind.INTERNATIONAL)


def parse_email(text: str) -> str:
    """An e-mail address in its usual form, or empty. Raises ValueError with a French sentence."""
    if not text:
        return ""
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise ValueError(f"«\u00a0{text[:60]}\u00a0» n’est pas une adresse e-mail.")


def parse_postcode(text: str, country: str = FRANCE) -> str:
    """A postcode, or empty; five digits in France. Raises ValueError with a French sentence."""
    if country != FRANCE:
        return text
    compact = text.replace(" ", "")
    if compact and not re.fullmatch(r"\d{5}", compact, re.ASCII):
        raise ValueError("Un code postal français comporte 5 chiffres.")
    return compact


def parse_licence_number(text: str) -> str:
    """A driving licence's number in capitals, of 3 to 20 letters and digits in any form, or empty.

    Raises ValueError with a French sentence.
    """
    number = text.upper()
    if number and not _LICENCE.fullmatch(number):
        raise ValueError("Un numéro de permis comporte de 3 à 20 lettres et chiffres.")
    return number


def has_unusual_licence(details: DriverDetails) -> bool:
    """True for a French licence number that is neither NEPH (12 digits) nor a card's (2 digits, 2 letters, 5).

    Worth a second look, never a reason to refuse: older forms exist.
    """
    number = details.licence_number.replace(" ", "")
    return bool(number) and details.licence_country == FRANCE and not _USUAL_FRENCH_LICENCE.fullmatch(number)


def doubts(details: DriverDetails) -> dict[str, str]:
    """What deserves a look at the licence before anybody is designated by it, by field; never a reason to refuse.

    A licence for mopeds is issued at fourteen, a foreign one as its country has it; and the date is no part of what
    the law asks for (A. 121-1: the licence's reference).
    """
    if precedes_birth(details) or not has_too_early_licence(details):
        return {}
    sentence = f"Ce permis aurait été délivré avant ses {YOUNGEST_AGE} ans\u00a0: vérifiez la date sur le titre."
    return {"licence_issued_on": sentence}


def date_problems(details: DriverDetails, today: date) -> dict[str, str]:
    """What is wrong or doubtful with the dates of birth and of the licence, by field."""
    return {**doubts(details), **_wrong_dates(details, today)}


def departure_problem(details: DriverDetails, left_on: date | None) -> str:
    """What is wrong with a driver's last day, as a sentence; empty when nothing."""
    birth = details.birth_date
    if left_on is None or birth is None or left_on >= birthday_of(birth, YOUNGEST_AGE):
        return ""
    return f"Ce départ aurait eu lieu avant ses {YOUNGEST_AGE} ans\u00a0: vérifiez les dates."


def _wrong_dates(details: DriverDetails, today: date) -> dict[str, str]:
    birth, licence, problems = details.birth_date, details.licence_issued_on, {}
    if birth and birth > today:
        problems["birth_date"] = "Cette date de naissance est dans le futur."
    elif birth and birth < _EARLIEST_BIRTH:
        problems["birth_date"] = "Cette date de naissance est trop ancienne."
    elif birth and birthday_of(birth, YOUNGEST_AGE) > today:
        problems["birth_date"] = f"Un conducteur a au moins {YOUNGEST_AGE} ans."
    if licence and licence > today:
        problems["licence_issued_on"] = "Cette date de délivrance est dans le futur."
    elif precedes_birth(details):
        problems["licence_issued_on"] = "Ce permis aurait été délivré avant la naissance\u00a0: vérifiez les dates."
    return problems


def _city_problem(details: DriverDetails) -> dict[str, str]:
    return {"city": "Indiquez la ville de cette adresse."} if details.has_address and not details.city else {}


def _text_problems(texts: dict[str, str]) -> dict[str, str]:
    problems = {
        name: f"{_LONGEST_TEXT} caractères au plus." for name, text in texts.items() if len(text) > _LONGEST_TEXT
    }
    for name, sentence in _NAMES.items():
        if not texts[name]:
            problems[name] = sentence
        elif not _is_name(texts[name]):
            problems[name] = f"«\u00a0{texts[name][:40]}\u00a0» n’est pas un nom\u00a0: des lettres, sans symbole."
    return problems


def _is_name(text: str) -> bool:
    """Letters of any script, and what stands between or beside them but symbols (`<`, `=`, emoji…)."""
    kinds = {unicodedata.category(one) for one in text}
    return any(kind.startswith("L") for kind in kinds) and not kinds & _NOT_IN_NAMES


def _country(code: str) -> str:
    try:
        return country_alpha2(code)
    except InvalidPlate as error:
        raise ValueError(str(error)) from error
