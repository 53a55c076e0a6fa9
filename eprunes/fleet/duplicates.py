"""Drivers who may be one person: the same name, case and accents aside, born on the same day.

Boxes are opened in memory, as for a search by name. Files said to be of two persons are no such pair.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_

from eprunes.accounts.permissions import Actor
from eprunes.core.crypto import key_store
from eprunes.core.database import TenantSession
from eprunes.core.paging import Page, count_of, read_page
from eprunes.fleet import queries
from eprunes.fleet.driver_details import DriverDetails, open_details, to_json
from eprunes.fleet.driver_merge import Person, compared, is_maybe, pair_version, person_of
from eprunes.fleet.models import DistinctDrivers, Driver
from eprunes.fleet.names import DriverName, contents_of, name_of, names_by_id

Distinct = dict[UUID, set[UUID]]

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


@dataclass(frozen=True)
class DistinctList:
    """One page of the pairs said to be two persons, how many there are, and the names of all on it."""

    page: Page
    found: int
    names: dict[UUID, DriverName]
    authors: dict[UUID, str]


def find_duplicates(session: TenantSession, actor: Actor) -> list[Alike]:
    """Every group of two files or more that may be one person's, by name."""
    groups: dict[Person, list[DriverName]] = defaultdict(list)
    for driver_id, staff_number, content in contents_of(session, actor, queries.visible_drivers(actor)):
        if person := person_of(content):
            groups[person].append(name_of(driver_id, staff_number, content))
    several, distinct = [one for one in sorted(groups.items()) if len(one[1]) > 1], _distinct(session, actor)
    return [
        Alike(group[0].id, person[-1], group)
        for person, everyone in several
        for group in _undecided(sorted(everyone), distinct)
    ]


def find_same_person(session: TenantSession, actor: Actor, details: DriverDetails) -> list[DriverName]:
    """The files that may be of the person whom these details describe, oldest first."""
    wanted = person_of(to_json(details))
    if wanted is None:
        return []
    opened = contents_of(session, actor, queries.visible_drivers(actor))
    return sorted(name_of(*one) for one in opened if person_of(one[-1]) == wanted)


def find_namesakes(session: TenantSession, actor: Actor, details: DriverDetails) -> list[DriverName]:
    """The files of this name, oldest first, but those that say another birth date: to ask before one more is made."""
    wanted = to_json(details)
    opened = contents_of(session, actor, queries.visible_drivers(actor))
    return sorted(name_of(*one) for one in opened if is_maybe(one[-1], wanted))


def read_comparisons(session: TenantSession, actor: Actor, driver: Driver, details: DriverDetails) -> list[Comparison]:
    """The other files that may be this driver's, each beside this one: the first ten."""
    apart = _distinct(session, actor, driver.id)[driver.id] | {driver.id}
    others = [one.id for one in find_same_person(session, actor, details) if one.id not in apart][:MOST_COMPARED]
    rows = list(session.scalars(queries.visible_drivers(actor).where(Driver.id.in_(others)).order_by(Driver.id)))
    known = open_details(key_store(), rows)
    pairs = [(driver, details, row, known[row.id]) for row in rows if row.id in known]
    return [Comparison(pair[2], compared(*pair), pair_version(*pair)) for pair in pairs]


def read_distinct(session: TenantSession, actor: Actor, cursor: str) -> DistinctList:
    """The page of the pairs said to be two persons at a cursor, the last said first."""
    query = queries.visible_distinct_drivers(actor)
    page = read_page(session, query, DistinctDrivers, ("created_at",), cursor=cursor, descending=True)
    names = names_by_id(session, actor, (one for row in page.rows for one in (row.first_id, row.second_id)))
    authors = queries.author_names(session, (row.created_by for row in page.rows))
    is_whole = not (page.previous or page.next)
    return DistinctList(page, len(page.rows) if is_whole else count_of(session, query), names, authors)


def _distinct(session: TenantSession, actor: Actor, driver_id: UUID | None = None) -> Distinct:
    """From whom each driver was said to be distinct; of one driver, or of all."""
    first, second = DistinctDrivers.first_id, DistinctDrivers.second_id
    query = queries.visible_distinct_drivers(actor).with_only_columns(first, second)
    if driver_id is not None:
        query = query.where(or_(first == driver_id, second == driver_id))
    found: Distinct = defaultdict(set)
    for one, other in session.execute(query):
        found[one].add(other)
        found[other].add(one)
    return found


def _undecided(alike: list[DriverName], distinct: Distinct) -> Iterator[list[DriverName]]:
    """The groups of files of which each may be of one person with another one of its group."""
    rest = list(alike)
    while rest:
        group, rest = [rest[0]], rest[1:]
        for one in group:  # grows while it is gone through
            group += [other for other in rest if other.id not in distinct[one.id]]
            rest = [other for other in rest if other.id in distinct[one.id]]
        if len(group) > 1:
            yield sorted(group)
