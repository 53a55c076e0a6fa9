"""Drivers who may be one person: the same name, case and accents aside, born on the same day.

Boxes are opened in memory, as for a search by name.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.fleet import queries
from eprunes.fleet.driver_details import DriverDetails, open_details, to_json
from eprunes.fleet.driver_merge import Person, compared, pair_version, person_of
from eprunes.fleet.models import Driver
from eprunes.fleet.names import DriverName, contents_of, name_of

MOST_COMPARED = 10


@dataclass(frozen=True)
class Alike:
    """The files that may be one person's, oldest first; `id` is the first one's."""

    id: UUID
    birth_date: str
    drivers: list[DriverName]


@dataclass(frozen=True)
class Comparison:
    """Another file of what may be the same person, line by line, and the version of both."""

    driver: Driver
    lines: list[tuple[str, ...]]
    seen: str


def find_duplicates(session: TenantSession, actor: Actor) -> list[Alike]:
    """Every group of two files or more that may be one person's, by name."""
    groups: dict[Person, list[DriverName]] = defaultdict(list)
    for driver_id, staff_number, content in contents_of(session, actor, queries.visible_drivers(actor)):
        if person := person_of(content):
            groups[person].append(name_of(driver_id, staff_number, content))
    several = [(person, sorted(group)) for person, group in sorted(groups.items()) if len(group) > 1]
    return [Alike(group[0].id, person[-1], group) for person, group in several]


def find_same_person(session: TenantSession, actor: Actor, details: DriverDetails) -> list[DriverName]:
    """The files that may be of the person whom these details describe, oldest first."""
    wanted = person_of(to_json(details))
    if wanted is None:
        return []
    opened = contents_of(session, actor, queries.visible_drivers(actor))
    return sorted(name_of(*one) for one in opened if person_of(one[-1]) == wanted)


def read_comparisons(session: TenantSession, actor: Actor, driver: Driver, details: DriverDetails) -> list[Comparison]:
    """The other files that may be this driver's, each beside this one: the first ten."""
    others = [one.id for one in find_same_person(session, actor, details) if one.id != driver.id][:MOST_COMPARED]
    rows = list(session.scalars(queries.visible_drivers(actor).where(Driver.id.in_(others)).order_by(Driver.id)))
    known = open_details(key_store(), rows)
    pairs = [(driver, details, row, known[row.id]) for row in rows if row.id in known]
    return [Comparison(pair[2], compared(*pair), pair_version(*pair)) for pair in pairs]
