"""Bring the demo's data up to date: `python -m demo.load`. The first time, a client, its fleet and its history.

A load that did not go to its end is thrown away and starts over.
"""

import os
import subprocess
import sys
from datetime import datetime, timedelta

from flask_migrate import upgrade

from demo import accounts, agency, history, offences, places
from demo.accounts import Person
from demo.places import DemoRefused, Place
from eprunes import create_app
from eprunes.accounts.queries import living_organisations
from eprunes.accounts.services import clients, users
from eprunes.core import clock
from eprunes.core.calendar import paris_day
from eprunes.core.config import PROJECT_ROOT
from eprunes.core.refusals import Refused
from eprunes.fines import catalogue

CONTRACT_AGE = timedelta(days=400)
_IMPORT_WITHIN = 60


def main() -> None:
    """Exit 0 when the data are ready, 1 with a sentence otherwise."""
    try:
        prepare(places.find_place(os.environ))
    except (DemoRefused, Refused) as refusal:
        sys.exit(str(refusal))


def prepare(place: Place) -> None:
    """Migrate the databases, refresh the catalogue and, once only, load the demo. Raises DemoRefused.

    The data are dated by the machine's clock, whatever the offset: an offset then shows the same data later.
    """
    first_time = not place.is_loaded
    if first_time:
        places.start_over(place)
    environ = {name: value for name, value in place.environ.items() if name != "EPRUNES_CLOCK_OFFSET"}
    with create_app(environ).app_context():
        upgrade()
        catalogue.load()
        if first_time:
            _first_load(place, environ, clock.now())
            places.note_loaded(place)


def _first_load(place: Place, environ: dict[str, str], as_of: datetime) -> None:
    if living_organisations():
        raise DemoRefused(
            "EPRUNES_DATABASE_URL\u00a0: cette base contient déjà un client\u00a0; "
            "la démonstration ne se charge que dans une base vide."
        )
    _create_people(as_of)
    today, records = paris_day(as_of), offences.sample()
    days = offences.days_until(today, records)
    _import_fleet(place, environ, days)
    arrivals, fresh = offences.history([offences.moved(one, days) for one in records], today)
    history.live(place, arrivals, today)
    with agency.open_on(place, as_of):
        history.declare_strange_vehicle()
        odd = [history.strange_offence(fresh[0]), history.unreadable_offence(fresh[0])]
        agency.load(place, [*fresh, *odd])


def _create_people(as_of: datetime) -> None:
    since = as_of - CONTRACT_AGE
    organisation_id = clients.create_organisation(
        name=accounts.ORGANISATION,
        number=accounts.SIREN,
        admin_email=accounts.ADMINISTRATOR.email,
        admin_name=accounts.ADMINISTRATOR.name,
        vehicles=accounts.VEHICLE_QUOTA,
        as_of=since,
    )
    for person in accounts.USERS:
        users.create_user(
            organisation_id=organisation_id,
            email=person.email,
            fleet=person.fleet,
            fines=person.fines,
            display_name=person.name,
            as_of=since,
        )
    users.create_operator(email=accounts.OPERATOR.email, as_of=since)
    for person in accounts.EVERYONE:
        _give_password(person, since)


def _give_password(person: Person, as_of: datetime) -> None:
    users.set_password(email=person.email, password=accounts.PASSWORD, as_of=as_of)


def _import_fleet(place: Place, environ: dict[str, str], days: int) -> None:
    """Load the fleet as a client does it, by the import of a workbook."""
    workbook = place.folder / "parc.xlsx"
    offences.write_fleet(workbook, days)
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "import", "fleet", str(workbook)]
    done = subprocess.run(  # noqa: S603  our own command
        [*command, "--organisation", accounts.SIREN, "--confirm", "--json"],
        cwd=PROJECT_ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=_IMPORT_WITHIN,
    )
    if done.returncode:
        raise DemoRefused("L’import du parc n’a pas abouti.")


if __name__ == "__main__":
    main()
