"""What a notice says: the content of its sealed box, in our own words (the agency's stand in its raw record)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from uuid import UUID

from eprunes.core.crypto import KeyStore, key_store, open_box, seal
from eprunes.fines.models import Answer, Notice
from eprunes.fines.offence_time import OffenceTime
from eprunes.fleet.models import Vehicle

TABLE = Notice.__tablename__
ANSWER_TABLE = Answer.__tablename__
KEY_PURPOSE = "avis"


@dataclass(frozen=True)
class NoticeDetails:
    """Contenu d'un avis. Speeds are in km/h; `raw` is the record as received, `earlier` those it replaced."""

    number: str
    plate: str
    country: str
    make: str = ""
    label: str = ""
    place: str = ""
    city: str = ""
    postcode: str = ""
    direction: str = ""
    speed_limit: int | None = None
    speed_retained: int | None = None
    speed_measured: int | None = None
    raw: dict = field(default_factory=dict)
    earlier: list = field(default_factory=list)

    @property
    def where(self) -> str:
        """Place and town on one line."""
        return ", ".join(part for part in (self.place, f"{self.postcode} {self.city}".strip()) if part)

    @property
    def speed(self) -> str:
        """What is said of the speed, as far as it is known: `59 km/h retenus pour 50`; empty for other offences."""
        kept, measured = self.speed_retained, self.speed_measured
        if kept is None and measured is None:
            return ""
        told = f"{measured} km/h mesurés" if kept is None else f"{kept} km/h retenus"
        return told if self.speed_limit is None else f"{told} pour {self.speed_limit}"


@dataclass(frozen=True)
class ReceivedNotice:
    """Un avis reçu, before it has a client: what the connector hands over, already read and checked."""

    natinf: str
    offence: OffenceTime
    notice_date: date | None
    details: NoticeDetails


def to_json(details: NoticeDetails) -> dict:
    """As a JSON-ready dictionary."""
    return asdict(details)


def from_json(content: dict) -> NoticeDetails:
    """The reverse of `to_json`; fields added since are at their defaults."""
    known = {one.name for one in fields(NoticeDetails)}
    return NoticeDetails(**{name: value for name, value in content.items() if name in known})


def seal_notice(key: bytes, organisation_id: UUID, notice_id: UUID, details: NoticeDetails) -> bytes:
    """The sealed box of a notice's row."""
    return seal(key, organisation_id, TABLE, notice_id, to_json(details))


def key_of(notice: Notice) -> bytes:
    """The key of a notice: its box, its answers, its notes. Raises KeyError once it is destroyed."""
    return key_store().keys(notice.organisation_id, [notice.key_id])[notice.key_id]


def is_its_plate(details: NoticeDetails, vehicle: Vehicle) -> bool:
    """Whether a notice bears the plate of this vehicle; otherwise somebody said that it was this one."""
    return (details.country, details.plate) == (vehicle.country, vehicle.plate_key)


def open_notice(key: bytes, notice: Notice) -> NoticeDetails:
    """The content of one notice's box. Raises BoxUnreadable."""
    return from_json(open_box(key, notice.organisation_id, TABLE, notice.id, notice.box))


def open_notices(keys: KeyStore | Mapping[UUID, bytes], notices: Iterable[Notice]) -> dict[UUID, NoticeDetails]:
    """The content of notices of one organisation, by notice id; those whose key is destroyed are absent.

    `keys`: their keys by id, or the store to look them up in.
    """
    rows = list(notices)
    if not rows:
        return {}
    if isinstance(keys, KeyStore):
        keys = keys.keys(rows[0].organisation_id, (row.key_id for row in rows))
    return {row.id: open_notice(keys[row.key_id], row) for row in rows if row.key_id in keys}


def open_snapshot(key: bytes, answer: Answer) -> dict:
    """What an answer declares, as sealed when it was confirmed. Raises BoxUnreadable."""
    return open_box(key, answer.organisation_id, ANSWER_TABLE, answer.id, answer.box)


def open_refusal(key: bytes, answer: Answer) -> str:
    """The agency's words when it refused this answer; empty when it did not."""
    if answer.outcome_box is None:
        return ""
    return open_box(key, answer.organisation_id, ANSWER_TABLE + ".refus", answer.id, answer.outcome_box)["motif"]


def seal_refusal(key: bytes, answer: Answer, reason: str) -> bytes:
    """The sealed words of a refusal."""
    return seal(key, answer.organisation_id, ANSWER_TABLE + ".refus", answer.id, {"motif": reason})
