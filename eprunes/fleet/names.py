"""Drivers' names for lists and searches: sealed boxes opened in memory, nothing kept."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store, open_box
from eprunes.core.database import TenantSession
from eprunes.fleet.driver_details import KEY_PURPOSE, TABLE
from eprunes.fleet.models import Driver
from eprunes.fleet.queries import visible_drivers

_CHUNK = 500
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
    keys = key_store().all_keys(actor.organisation_id, KEY_PURPOSE)
    rows = session.execute(_columns_of(drivers).execution_options(yield_per=_CHUNK))
    return list(_opened(rows, keys, actor.organisation_id, words))


def names_by_id(session: TenantSession, actor: Actor, driver_ids: Iterable[UUID]) -> dict[UUID, DriverName]:
    """The names of these drivers, by id: for one page of a list."""
    wanted = set(driver_ids)
    if not wanted:
        return {}
    rows = session.execute(_columns_of(visible_drivers(actor).where(Driver.id.in_(wanted)))).all()
    keys = key_store().keys(actor.organisation_id, [row.key_id for row in rows])
    return {line.id: line for line in _opened(rows, keys, actor.organisation_id, ())}


def folded(text: str) -> str:
    """Without case, accents and punctuation, so that « émile » finds « ÉMILE » and « Saint-Gérard » two words."""
    return text.casefold().translate(_PLAIN)


def words_of(text: str) -> list[str]:
    """The words of a search."""
    return folded(text).split()


def _columns_of(query: Select) -> Select:
    return query.with_only_columns(Driver.id, Driver.key_id, Driver.box, Driver.staff_number)


def _opened(
    rows: Iterable[Row], keys: dict[UUID, bytes], organisation_id: UUID, words: Sequence[str]
) -> Iterator[DriverName]:
    for driver_id, key_id, box, staff_number in rows:
        name = _name(keys.get(key_id), organisation_id, driver_id, box)
        searched = folded(f"{name} {staff_number or ''}")
        if all(word in searched for word in words):
            yield DriverName(driver_id, name, staff_number, searched)


def _name(key: bytes | None, organisation_id: UUID, driver_id: UUID, box: bytes) -> str:
    """As `DriverDetails.sort_name`, without building the whole identity: this runs for every driver."""
    if key is None:
        return ERASED
    content = open_box(key, organisation_id, TABLE, driver_id, box)
    return f"{content['last_name'].upper()} {content['first_name']}".strip()


def _plain(code: int) -> str | None:
    """What a character counts for in a search: its letter without accents, a space, or nothing at all."""
    if unicodedata.combining(chr(code)):
        return None
    base = unicodedata.normalize("NFKD", chr(code))[0]
    return base if base.isalnum() else " "


# European letters, combining accents and general punctuation; other scripts stay as they are.
_PLAIN = {code: _plain(code) for code in (*range(0x370), *range(0x1E00, 0x2070))}
