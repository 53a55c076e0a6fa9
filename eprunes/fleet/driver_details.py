"""What is known of a driver as a person: the content of the sealed box, and what a designation needs of it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from uuid import UUID

from eprunes.core.calendar import add_months
from eprunes.core.crypto import KeyStore, open_box, seal
from eprunes.fleet.models import Driver

TABLE = Driver.__tablename__
KEY_PURPOSE = "conducteur"
YOUNGEST_AGE = 16
ADDRESS_FIELDS = ("address_inside", "address_complement", "address_line", "address_locality", "postcode", "city")
"""The parts of an address in the order of the French norm (AFNOR NF Z10-011, lines 2 to 6), the country aside."""


@dataclass(frozen=True)
class DriverDetails:
    """Identité d'un conducteur. Text fields are empty when unknown; countries are ISO 3166 alpha-2.

    The address: flat or floor (`address_inside`), building (`address_complement`), number and street
    (`address_line`), hamlet or post box (`address_locality`), postcode and city.
    """

    civility: str = ""
    last_name: str = ""
    first_name: str = ""
    birth_date: date | None = None
    birth_place: str = ""
    address_inside: str = ""
    address_complement: str = ""
    address_line: str = ""
    address_locality: str = ""
    postcode: str = ""
    city: str = ""
    country: str = "FR"
    phone: str = ""
    email: str = ""
    licence_number: str = ""
    licence_issued_on: date | None = None
    licence_country: str = "FR"

    @property
    def full_name(self) -> str:
        """`Caroline DUMAS`, as French forms write it."""
        return f"{self.first_name} {self.last_name.upper()}".strip()

    @property
    def sort_name(self) -> str:
        """`DUMAS Caroline`, for lists."""
        return f"{self.last_name.upper()} {self.first_name}".strip()

    @property
    def address_lines(self) -> list[str]:
        """The address as an envelope has it, below the name and above the country; lines without text left out."""
        *above, postcode, city = (getattr(self, name) for name in ADDRESS_FIELDS)
        return [line for line in (*above, f"{postcode} {city}".strip()) if line]

    @property
    def has_address(self) -> bool:
        """True when something of an address is known."""
        return any(getattr(self, name) for name in ADDRESS_FIELDS)


_NEEDED = {
    "last_name": "nom",
    "first_name": "prénom",
    "birth_date": "date de naissance",
    "address_line": "adresse",
    "postcode": "code postal",
    "city": "ville",
    "country": "pays",
    "licence_number": "numéro de permis",
}
_DATES = {"birth_date", "licence_issued_on"}


def missing_for_designation(details: DriverDetails) -> list[str]:
    """French names of what a designation still needs (Code de la route A. 121-1: identity, address, licence).

    A licence from before the birth is one that no title says: a designation by it is refused.
    """
    missing = [label for name, label in _NEEDED.items() if not getattr(details, name)]
    return [*missing, "une date de permis qui suive la naissance"] if precedes_birth(details) else missing


def precedes_birth(details: DriverDetails) -> bool:
    """True when the licence would have been issued before its holder was born, which no title says."""
    birth, licence = details.birth_date, details.licence_issued_on
    return birth is not None and licence is not None and licence < birth


def has_too_early_licence(details: DriverDetails) -> bool:
    """True when the licence would have been issued before the birthday from which most are."""
    issued, born = details.licence_issued_on, details.birth_date
    return bool(issued and born) and issued < birthday_of(born, YOUNGEST_AGE)


def birthday_of(born: date, age: int) -> date:
    """The day on which somebody reaches an age."""
    return add_months(born, 12 * age)


def to_json(details: DriverDetails) -> dict:
    """As a JSON-ready dictionary; dates are ISO text."""
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(details).items()}


def from_json(content: dict) -> DriverDetails:
    """The reverse of `to_json`; fields added since are at their defaults."""
    known = {field.name for field in fields(DriverDetails)}
    values = {name: value for name, value in content.items() if name in known}
    for name in _DATES & values.keys():
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return DriverDetails(**values)


def seal_details(key: bytes, organisation_id: UUID, driver_id: UUID, details: DriverDetails) -> bytes:
    """The sealed box of a driver's row."""
    return seal(key, organisation_id, TABLE, driver_id, to_json(details))


def open_details(keys: KeyStore | Mapping[UUID, bytes], drivers: Iterable[Driver]) -> dict[UUID, DriverDetails]:
    """The details of drivers of one organisation, by driver id; those whose key is destroyed are absent.

    `keys`: their keys by id, or the store to look them up in.
    """
    rows = list(drivers)
    if not rows:
        return {}
    if isinstance(keys, KeyStore):
        keys = keys.keys(rows[0].organisation_id, (row.key_id for row in rows))
    return {
        row.id: from_json(open_box(keys[row.key_id], row.organisation_id, TABLE, row.id, row.box))
        for row in rows
        if row.key_id in keys
    }
