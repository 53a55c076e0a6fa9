"""Drivers' names for lists and searches: sealed boxes opened in memory, nothing kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import box_opener, key_store
from eprunes.core.database import IN_BINARY, TenantSession
from eprunes.core.texts import folded
from eprunes.fleet.driver_details import KEY_PURPOSE, TABLE
from eprunes.fleet.models import Driver
from eprunes.fleet.queries import visible_drivers

_CHUNK = 500
NAME_COLUMNS = (Driver.id, Driver.key_id, Driver.box, Driver.staff_number)
ERASED = "Données effacées"


class DriverName(NamedTuple):
    """A driver's `name` as `DUMAS Caroline`; what to sort and search by is in `folded`, number included."""

    id: UUID
    name: str
    staff_number: str | None
    folded: str

    @property
    def label(self) -> str:
        """`DUMAS Caroline (E1001)`."""
        return f"{self.name} ({self.staff_number})" if self.staff_number else self.name


def named(
    session: TenantSession, actor: Actor, drivers: Select[tuple[Driver]], words: Sequence[str] = ()
) -> list[DriverName]:
    """Those drivers of a query whose name and staff number hold every word, in no order.

    Opens the box of each: for a search or a sort by name.
    """
    found = []
    for driver_id, staff_number, content in contents_of(session, actor, drivers):
        name, text = _texts(staff_number, content)
        if all(map(text.__contains__, words)):
            found.append(DriverName(driver_id, name, staff_number, text))
    return found


def contents_of(
    session: TenantSession, actor: Actor, drivers: Select[tuple[Driver]]
) -> Iterator[tuple[UUID, str | None, dict]]:
    """(id, staff number, opened box) of every driver of a query; the box is empty once the key is destroyed."""
    keys = key_store().all_keys(actor.organisation_id, KEY_PURPOSE)
    rows = session.execute(_columns_of(drivers).execution_options(yield_per=_CHUNK, **IN_BINARY))
    return _opened(rows, keys, actor.organisation_id)


def names_by_id(session: TenantSession, actor: Actor, driver_ids: Iterable[UUID]) -> dict[UUID, DriverName]:
    """The names of these drivers, by id: for one page of a list."""
    wanted = set(driver_ids)
    if not wanted:
        return {}
    return names_in(session.execute(_columns_of(visible_drivers(actor).where(Driver.id.in_(wanted)))).all(), actor)


def names_in(rows: Sequence[Row], actor: Actor) -> dict[UUID, DriverName]:
    """The names in rows of `NAME_COLUMNS`, by driver id."""
    keys = key_store().keys(actor.organisation_id, [row[1] for row in rows])
    opened = _opened(rows, keys, actor.organisation_id)
    return {driver_id: name_of(driver_id, staff_number, content) for driver_id, staff_number, content in opened}


def name_of(driver_id: UUID, staff_number: str | None, content: dict) -> DriverName:
    """The name that an opened box holds."""
    name, text = _texts(staff_number, content)
    return DriverName(driver_id, name, staff_number, text)


def has_words(one: DriverName, words: Sequence[str]) -> bool:
    """True when every word is a piece of the name or of the staff number."""
    return all(map(one.folded.__contains__, words))


def words_of(text: str) -> list[str]:
    """The words of a search."""
    return folded(text).split()


def _texts(staff_number: str | None, content: dict) -> tuple[str, str]:
    """As `DriverDetails.sort_name`, without building the whole identity: this runs for every driver; and folded."""
    name = f"{content['last_name'].upper()} {content['first_name']}".strip() if content else ERASED
    return name, folded(f"{name} {staff_number or ''}")


def _columns_of(query: Select) -> Select:
    return query.with_only_columns(*NAME_COLUMNS)


def _opened(
    rows: Iterable[Row], keys: dict[UUID, bytes], organisation_id: UUID
) -> Iterator[tuple[UUID, str | None, dict]]:
    open_one = box_opener(organisation_id, TABLE)
    for driver_id, key_id, box, staff_number in rows:
        key = keys.get(key_id)
        yield driver_id, staff_number, open_one(key, driver_id, box) if key else {}
