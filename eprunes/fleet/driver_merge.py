"""Two files of one person: who counts as the same, and what the file that stays says once both are one. Pure."""

from dataclasses import dataclass, fields, replace
from datetime import date

from eprunes.core.texts import folded
from eprunes.fleet.driver_details import ADDRESS_FIELDS, DriverDetails
from eprunes.fleet.driver_rules import shown_phone
from eprunes.fleet.models import Driver
from eprunes.fleet.versions import driver_version
from eprunes.fleet.wording import KINDS, country_name

Person = tuple[str, str, str]
_LICENCE = ("licence_number", "licence_issued_on", "licence_country")
_ONE_BY_ONE = [
    field.name for field in fields(DriverDetails) if field.name not in (*ADDRESS_FIELDS, "country", *_LICENCE)
]


@dataclass(frozen=True)
class Merged:
    """What the file that stays says after the merge."""

    staff_number: str | None
    left_on: date | None
    details: DriverDetails


def person_of(content: dict) -> Person | None:
    """Who a box's content is about: names without case and accents, birth date. None while one is unknown."""
    person = _names_and_birth(content)
    return person if all(person) else None


def is_maybe(content: dict, other: dict) -> bool:
    """True for the contents of two boxes with the same name, unless they say that they were born on different days."""
    (*names, born), (*theirs, born_too) = _names_and_birth(content), _names_and_birth(other)
    return all(names) and names == theirs and (born == born_too or not (born and born_too))


def merged(kept: Driver, mine: DriverDetails, other: Driver, theirs: DriverDetails) -> Merged:
    """What is missing in the file that stays comes from the other one.

    An address and a licence are taken whole, so that two are never mixed. Whoever is present in one file is present.
    """
    is_present = kept.left_on is None or other.left_on is None
    left_on = None if is_present else max(kept.left_on, other.left_on)
    return Merged(kept.staff_number or other.staff_number, left_on, _merged_details(mine, theirs))


def pair_version(kept: Driver, mine: DriverDetails, other: Driver, theirs: DriverDetails) -> str:
    """The version of two files that a page compared."""
    return f"{driver_version(kept, mine)}-{driver_version(other, theirs)}"


def compared(kept: Driver, mine: DriverDetails, other: Driver, theirs: DriverDetails) -> list[tuple[str, ...]]:
    """(label, here, there, after the merge) of all that one of the two files says."""
    after = merged(kept, mine, other, theirs)
    columns = [
        _shown(kept.staff_number, kept.kind, kept.left_on, mine),
        _shown(other.staff_number, other.kind, other.left_on, theirs),
        _shown(after.staff_number, kept.kind, after.left_on, after.details),
    ]
    rows = [(label, *(column[label] for column in columns)) for label in columns[0]]
    return [row for row in rows if any(row[1:])]


def _names_and_birth(content: dict) -> Person:
    last, first = (" ".join(folded(content.get(name) or "").split()) for name in ("last_name", "first_name"))
    return last, first, str(content.get("birth_date") or "")


def _merged_details(mine: DriverDetails, theirs: DriverDetails) -> DriverDetails:
    names = [name for name in _ONE_BY_ONE if not getattr(mine, name)]
    if theirs.has_address and not mine.has_address:
        names += [*ADDRESS_FIELDS, "country"]
    if theirs.licence_number and not mine.licence_number:
        names += _LICENCE
    elif mine.licence_number == theirs.licence_number and mine.licence_issued_on is None:
        names.append("licence_issued_on")
    return replace(mine, **{name: getattr(theirs, name) for name in names})


def _shown(staff_number: str | None, kind: str, left_on: date | None, details: DriverDetails) -> dict[str, str]:
    """What a file says, by label."""
    country = [] if details.country == "FR" or not details.has_address else [country_name(details.country)]
    return {
        "Matricule": staff_number or "",
        "Qualité": KINDS.get(kind, kind),
        "Parti le": _day(left_on),
        "Civilité": details.civility,
        "Nom": details.last_name,
        "Prénom": details.first_name,
        "Date de naissance": _day(details.birth_date),
        "Lieu de naissance": details.birth_place,
        "Adresse": ", ".join([*details.address_lines, *country]),
        "Téléphone": shown_phone(details.phone),
        "Adresse e-mail": details.email,
        "N° de permis": details.licence_number,
        "Permis délivré le": _day(details.licence_issued_on),
        "Pays du permis": country_name(details.licence_country) if details.licence_number else "",
    }


def _day(value: date | None) -> str:
    return f"{value:%d/%m/%Y}" if value else ""
