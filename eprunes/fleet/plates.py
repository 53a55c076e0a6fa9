"""Registration plates (*immatriculations*): reading, match key, display, countries.

The key is what two spellings of one plate share: capitals and digits, no separators. It is unique with its
country only. Mainland France and the overseas departments share one register, written FR here; the overseas
territories that keep their own have their own ISO code.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import pycountry


class PlateSeries(StrEnum):
    """The family of a plate (*série*)."""

    SIV = "siv"
    WW = "ww"
    W = "w"
    FNI = "fni"
    FOREIGN = "etrangere"
    OTHER = "autre"


class InvalidPlate(ValueError):
    """The text is no plate; the message is a French sentence for the user."""


@dataclass(frozen=True)
class Plate:
    """A registration plate (*immatriculation*): `country` is ISO alpha-2, `key` what it is matched by."""

    country: str
    key: str
    display: str
    series: PlateSeries


FRANCE = "FR"
_OVERSEAS_DEPARTMENTS = frozenset({"GP", "MQ", "GF", "RE", "YT"})
_OWN_REGISTER = frozenset({"BL", "MF", "NC", "PF", "PM", "TF", "WF"})

_SIV_SHAPE = re.compile(r"([A-Z]{2})(\d{3})([A-Z]{2})", re.ASCII)
_W_SHAPE = re.compile(r"(W)(\d{3})([A-Z]{2})", re.ASCII)
_FNI_SHAPE = re.compile(r"(\d{1,4})([A-Z]{1,3})(\d{2,3}|2[AB])", re.ASCII)
# Old mopeds, diplomatic and consular cars, army vehicles.
_OTHER_SHAPES = (
    re.compile(r"([A-Z]{1,2})(\d{2,3})([A-Z])", re.ASCII),
    re.compile(r"(\d{1,3})(CMD|CD|C|K)(\d{1,4})", re.ASCII),
    re.compile(r"(\d{4})(\d{4})", re.ASCII),
)
_FREE_FORM = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)

# Corsica was 20 until 1976; 2A and 2B since. The codes 971 to 978 are the overseas ones that plates bore.
_FNI_DEPARTMENTS = frozenset(
    [f"{number:02}" for number in range(1, 96)] + ["2A", "2B"] + [str(number) for number in range(971, 979)]
)

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_LOOKS_LIKE = {char: pair for pair in ("O0", "I1", "B8") for char in pair}
_LONGEST = 12

_SEPARATORS = re.compile(r"[-\s.·•∙⋅‧_/]+")


def parse_plate(text: str, country: str = FRANCE) -> Plate:
    """Read a plate as people type it: lower case, spaces, dots and dashes of any kind.

    `country` is an ISO code of two or three letters. Raises InvalidPlate with a French sentence.
    """
    country = _register(country)
    spelled, key = _spelled(text), match_key(text)
    if not key:
        raise InvalidPlate("Indiquez l’immatriculation.")
    if not key.isascii() or not key.isalnum():
        raise InvalidPlate("Une immatriculation ne contient que des lettres sans accent et des chiffres.")
    if country == FRANCE:
        return _french(key)
    if not _FREE_FORM.fullmatch(key):
        raise InvalidPlate("Une immatriculation étrangère ou d’outre-mer comporte de 2 à 12 lettres ou chiffres.")
    series = PlateSeries.OTHER if country in _OWN_REGISTER else PlateSeries.FOREIGN
    return Plate(country, key, spelled, series)


def match_key(text: str) -> str:
    """What a text would be matched by if it were a plate: capitals and digits, no separators."""
    return _spelled(text).replace("-", "")


def look_alikes(key: str) -> list[str]:
    """The match keys that one slip of reading or typing makes of this one, the likeliest first: letters and digits
    that look the same, then two neighbours swapped, then one character wrong."""
    key = key[:_LONGEST]
    confused = map("".join, product(*(_LOOKS_LIKE.get(char, char) for char in key)))
    swapped = [key[:at] + key[at + 1] + key[at] + key[at + 2 :] for at in range(len(key) - 1)]
    wrong = [key[:at] + other + key[at + 1 :] for at in range(len(key)) for other in _CHARACTERS]
    return [one for one in dict.fromkeys([*confused, *swapped, *wrong]) if one != key]


def country_alpha2(code: str) -> str:
    """The two-letter ISO code of a country given by two or three letters. Raises InvalidPlate."""
    return _country(code).alpha_2


def country_alpha3(code: str) -> str:
    """The three-letter ISO code of a country given by two or three letters. Raises InvalidPlate."""
    return _country(code).alpha_3


def _country(code: str) -> "pycountry.db.Country":
    wanted = code.strip().upper()
    field = "alpha_3" if len(wanted) == 3 else "alpha_2"
    found = pycountry.countries.get(**{field: wanted})
    if found is None:
        raise InvalidPlate(f"Le pays «\u00a0{code[:20]}\u00a0» est inconnu (exemples\u00a0: FR, BE, DE).")
    return found


def _register(country: str) -> str:
    code = country_alpha2(country)
    return FRANCE if code in _OVERSEAS_DEPARTMENTS else code


def _spelled(text: str) -> str:
    """Capitals, with one dash wherever there were separators."""
    plain = "".join(_plain(char) for char in unicodedata.normalize("NFKC", text))
    # Only ASCII is put in capitals: other letters are refused later, and "ß" would pass as "SS".
    return _SEPARATORS.sub("-", re.sub("[a-z]", lambda found: found[0].upper(), plain)).strip("-")


def _plain(char: str) -> str:
    """Every dash as a hyphen, and nothing for the invisible marks that copied text carries along."""
    category = unicodedata.category(char)
    if category == "Pd" or char == "\N{MINUS SIGN}":
        return "-"
    return "" if category == "Cf" else char


def _french(key: str) -> Plate:
    if match := _SIV_SHAPE.fullmatch(key):
        return _siv_or_ww(match)
    if match := _W_SHAPE.fullmatch(key):
        _check_letters_and_number(match, "W garage")
        return _plate(match, PlateSeries.W)
    if (match := _FNI_SHAPE.fullmatch(key)) and match[3] in _FNI_DEPARTMENTS:
        return _fni(match)
    for shape in _OTHER_SHAPES:
        if match := shape.fullmatch(key):
            return _plate(match, PlateSeries.OTHER)
    if match := _FNI_SHAPE.fullmatch(key):
        raise InvalidPlate(f"Le département «\u00a0{match[3]}\u00a0» n’existe pas sur une plaque FNI.")
    raise InvalidPlate(
        f"«\u00a0{key[:20]}\u00a0» n’est pas une immatriculation française "
        "(exemples\u00a0: AB-123-CD, WW-123-AB, W-123-AB, 1234 AB 75)\u00a0; "
        "pour une autre, précisez le pays ou le territoire."
    )


def _siv_or_ww(match: re.Match[str]) -> Plate:
    if match[1] == "WW":
        _check_letters_and_number(match, "WW")
        return _plate(match, PlateSeries.WW)
    _check_letters_and_number(match, "SIV")
    if "SS" in (match[1], match[3]):
        raise InvalidPlate("Une plaque SIV ne contient jamais le bloc SS.")
    return _plate(match, PlateSeries.SIV)


def _check_letters_and_number(match: re.Match[str], series: str) -> None:
    if set("IOU") & set(match[1] + match[3]):
        raise InvalidPlate(f"Une plaque {series} ne contient jamais I, O ou U.")
    if match[2] == "000":
        raise InvalidPlate(f"Le numéro d’une plaque {series} va de 001 à 999.")


def _fni(match: re.Match[str]) -> Plate:
    number = match[1].lstrip("0")
    if not number:
        raise InvalidPlate("Le numéro d’une plaque FNI va de 1 à 9999.")
    parts = (number, match[2], match[3])
    return Plate(FRANCE, "".join(parts), " ".join(parts), PlateSeries.FNI)


def _plate(match: re.Match[str], series: PlateSeries) -> Plate:
    return Plate(FRANCE, match[0], "-".join(match.groups()), series)
