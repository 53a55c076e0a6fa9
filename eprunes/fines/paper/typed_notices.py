"""A notice as people type it from its paper: what its fields must be, and what they become."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from eprunes.core.calendar import local_day, paris_day
from eprunes.fines.catalogue_rules import bare_natinf
from eprunes.fines.models import NoticeKind
from eprunes.fines.notice_details import NoticeDetails, ReceivedNotice
from eprunes.fines.notice_numbers import read_number
from eprunes.fines.offence_time import OffenceTime, read_offence_time
from eprunes.fleet.plates import FRANCE, InvalidPlate, Plate, PlateSeries, parse_plate

FASTEST_KMH = 999
EARLIEST = date(2000, 1, 1)
FEE_LABEL = "Forfait de post-stationnement (FPS)"
PLATE_KEPT = "Si c’est bien ce que porte l’avis, cochez la case ci-dessous."
_POSTCODE = re.compile(r"\d{5}", re.ASCII)
_NATINF = re.compile(r"\d{1,6}", re.ASCII)
_ODD_PLATE = re.compile(r"[A-Z0-9]{2,12}", re.ASCII)


@dataclass(frozen=True)
class TypedNotice:
    """Un avis saisi: its fields as they were typed, tidy. `is_plate_sure`: an odd plate is what the paper bears."""

    kind: NoticeKind
    number: str
    noticed_on: date
    offence_on: date
    offence_hour: time
    plate: str
    country: str = FRANCE
    sent_on: date | None = None
    place: str = ""
    postcode: str = ""
    city: str = ""
    natinf: str = ""
    label: str = ""
    speed_limit: int | None = None
    speed_retained: int | None = None
    speed_measured: int | None = None
    asks_designation: bool = False
    is_plate_sure: bool = False

    @property
    def is_fee(self) -> bool:
        return self.kind is NoticeKind.PARKING_FEE


def problems(typed: TypedNotice, zone, as_of: datetime) -> dict[str, str]:
    """What is wrong, a French sentence by field; empty when the notice can be kept. `zone` is the client's."""
    found = _date_problems(typed, max(local_day(as_of, zone), paris_day(as_of))) | _place_problems(typed)
    checks = {"number": lambda: read_number(typed.number, typed.kind), "plate": lambda: plate_of(typed)}
    if "offence_on" not in found:
        checks["offence_hour"] = lambda: _check_hour(typed, as_of)
    for field, check in checks.items():
        try:
            check()
        except ValueError as error:
            found[field] = str(error)
    return found if typed.is_fee else found | _offence_problems(typed)


def plate_of(typed: TypedNotice) -> Plate:
    """The plate as it is matched; an odd one as it stands, once it was said to be right. Raises InvalidPlate."""
    try:
        return parse_plate(typed.plate, typed.country)
    except InvalidPlate as error:
        bare = "".join(one for one in typed.plate.upper() if one.isalnum())
        if not _ODD_PLATE.fullmatch(bare) or typed.country != FRANCE:
            raise
        if not typed.is_plate_sure:
            raise InvalidPlate(f"{error} {PLATE_KEPT}") from error
        return Plate(FRANCE, bare, bare, PlateSeries.OTHER)


def offence_of(typed: TypedNotice) -> OffenceTime:
    """When it happened, in the zone of its place. Raises ValueError."""
    return read_offence_time(f"{typed.offence_on:%Y-%m-%d}T{typed.offence_hour:%H:%M}", typed.postcode)


def received(typed: TypedNotice) -> ReceivedNotice:
    """The notice as those of the agency are kept. For fields without `problems`."""
    number, key = read_number(typed.number, typed.kind)
    plate = plate_of(typed)
    speeds = (typed.speed_limit, typed.speed_retained, typed.speed_measured)
    limit, retained, measured = (None, None, None) if typed.is_fee else speeds
    details = NoticeDetails(
        number=number,
        plate=plate.key,
        country=plate.country,
        label=typed.label or (FEE_LABEL if typed.is_fee else ""),
        place=typed.place,
        city=typed.city,
        postcode=typed.postcode,
        speed_limit=limit,
        speed_retained=retained,
        speed_measured=measured,
        raw={"cle": key} if key else {},
    )
    natinf = "" if typed.is_fee else bare_natinf(typed.natinf)
    return ReceivedNotice(natinf=natinf, offence=offence_of(typed), notice_date=typed.noticed_on, details=details)


def _check_hour(typed: TypedNotice, as_of: datetime) -> None:
    offence = offence_of(typed)
    if offence.nonexistent:
        raise ValueError("Cette heure n’existe pas\u00a0: cette nuit-là, les horloges l’ont sautée. Relisez l’avis.")
    if offence.instant > as_of:
        raise ValueError("L’infraction ne peut pas être dans le futur.")


def _place_problems(typed: TypedNotice) -> dict[str, str]:
    if not typed.postcode or _POSTCODE.fullmatch(typed.postcode):
        return {}
    return {"postcode": "Un code postal comporte 5 chiffres (pour une infraction à l’étranger, laissez-le vide)."}


def _date_problems(typed: TypedNotice, today: date) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, day in (
        ("offence_on", typed.offence_on),
        ("noticed_on", typed.noticed_on),
        ("sent_on", typed.sent_on),
    ):
        if day is not None and not EARLIEST <= day <= today:
            found[field] = "Cette date est dans le futur." if day > today else "Cette date est trop ancienne."
    if typed.noticed_on < typed.offence_on:
        found.setdefault("noticed_on", "L’avis ne peut pas être daté d’avant l’infraction.")
    if typed.sent_on is not None and typed.sent_on < typed.noticed_on:
        found.setdefault("sent_on", "L’avis ne peut pas avoir été envoyé avant le jour dont il est daté.")
    return found


def _offence_problems(typed: TypedNotice) -> dict[str, str]:
    found: dict[str, str] = {}
    if typed.natinf and not _NATINF.fullmatch(typed.natinf):
        found["natinf"] = "Un code NATINF comporte de 1 à 6 chiffres."
    if not typed.natinf and not typed.label:
        found["label"] = "Indiquez la nature de l’infraction, ou son code NATINF."
    for field in ("speed_limit", "speed_retained", "speed_measured"):
        speed = getattr(typed, field)
        if speed is not None and not 0 < speed <= FASTEST_KMH:
            found[field] = f"Indiquez une vitesse de 1 à {FASTEST_KMH} km/h."
    if None not in (typed.speed_retained, typed.speed_measured) and typed.speed_retained > typed.speed_measured:
        found.setdefault("speed_retained", "La vitesse retenue ne dépasse jamais la vitesse mesurée.")
    if None not in (typed.speed_limit, typed.speed_retained) and typed.speed_retained <= typed.speed_limit:
        found.setdefault("speed_retained", "La vitesse retenue dépasse toujours la vitesse limite.")
    return found
