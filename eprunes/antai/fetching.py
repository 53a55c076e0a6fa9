"""Offences coming in: every record ends in a client's inbox, or in the operator's list to examine. None is lost."""

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from eprunes.accounts.queries import living_organisations
from eprunes.antai import messages, review
from eprunes.antai.client import AgencyClient
from eprunes.antai.declaring import has_convention
from eprunes.antai.models import DeclaredPlate
from eprunes.core.database import platform_session, tenant_session
from eprunes.fines.notice_details import ReceivedNotice
from eprunes.fines.receiving import Incoming, receive
from eprunes.fleet.exits import exit_by
from eprunes.fleet.models import Vehicle
from eprunes.fleet.queries import absences_of

log = logging.getLogger(__name__)

NOBODY = "Plaque que personne n’a déclarée."


@dataclass(frozen=True)
class Route:
    """Where a plate leads: a client that declared it, with its vehicle; `open` while notices may come in."""

    organisation_id: UUID
    vehicle_id: UUID
    declared_at: datetime
    open: bool


def fetch(client: AgencyClient, as_of: datetime) -> Counter:
    """Read every page of waiting offences and store what is new. Raises AgencyUnavailable part-way; what was
    read before stays, and the next run reads everything again."""
    counts: Counter = Counter()
    open_clients = clients_with_convention(as_of)
    for records in client.offence_pages():
        counts.update(take_in(records, open_clients, as_of))
    return counts


def clients_with_convention(as_of: datetime) -> set[UUID]:
    """The clients whose notices may come in now."""
    return {one.id for one in living_organisations() if has_convention(one, as_of)}


def take_in(records: list[Any], open_clients: set[UUID], as_of: datetime) -> Counter:
    """Read, route and store one page of raw records; each is counted once, whatever becomes of it."""
    counts: Counter = Counter({"read": len(records)})
    notices: list[ReceivedNotice] = []
    for raw in records:
        try:
            notices.append(messages.read_offence(raw))
        except messages.MalformedRecord as error:
            counts[review.keep(raw, str(error), as_of)] += 1
    routes = _routes([(one.details.country, one.details.plate) for one in notices], open_clients)
    by_client: dict[UUID, list[Incoming]] = defaultdict(list)
    for notice in notices:
        found = routes.get((notice.details.country, notice.details.plate), [])
        if not found:
            counts[review.keep(notice.details.raw, NOBODY, as_of)] += 1
            continue
        route = _choose(found, notice)
        if route is None:
            counts["outside_contract"] += 1
            continue
        by_client[route.organisation_id].append(Incoming(notice, route.vehicle_id))
    for organisation_id, incoming in by_client.items():
        counts.update(_store(organisation_id, incoming, as_of))
    return counts


def _store(organisation_id: UUID, incoming: list[Incoming], as_of: datetime) -> Counter:
    """One client's failure does not stop the others; its records come again with the next reading."""
    try:
        return receive(organisation_id, incoming, as_of)
    except Exception:
        log.exception("organisation %s: notices not stored", organisation_id)
        return Counter(failed=len(incoming))


def _routes(plates: list[tuple[str, str]], open_clients: set[UUID]) -> dict[tuple[str, str], list[Route]]:
    with platform_session("clients des plaques d’une page d’infractions") as session:
        query = select(DeclaredPlate).where(DeclaredPlate.plate_key.in_({key for _, key in plates}))
        routes: dict[tuple[str, str], list[Route]] = defaultdict(list)
        for plate in session.scalars(query):
            routes[plate.country, plate.plate_key].append(
                Route(
                    plate.organisation_id,
                    plate.vehicle_id,
                    plate.declared_at,
                    plate.organisation_id in open_clients,
                )
            )
    return routes


def _choose(routes: list[Route], notice: ReceivedNotice) -> Route | None:
    """Where a plate passed between clients: the one whose fleet held it at the offence's instant, else the one
    that declared it last. None when no notice may come in for that client any more."""
    holders = [one for one in routes if _held(one, notice.offence.instant)] if len(routes) > 1 else routes
    admitted = [one for one in holders or routes if one.open]
    return max(admitted, key=lambda one: one.declared_at, default=None)


def _held(route: Route, instant: datetime) -> bool:
    with tenant_session(route.organisation_id) as session:
        vehicle = session.scalar(
            select(Vehicle).where(Vehicle.organisation_id == route.organisation_id, Vehicle.id == route.vehicle_id)
        )
        absences = absences_of(session, [route.vehicle_id]).get(route.vehicle_id, ())
    return vehicle is not None and vehicle.entered_at <= instant and exit_by(vehicle, absences, instant) is None
