"""The catalogue of offences as data: loading it, and finding the line in force on a day."""

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

from sqlalchemy import select

from eprunes.core.database import platform_session
from eprunes.fines.models import Offence

ALWAYS = date(1900, 1, 1)
FILE = Path(__file__).with_name("infractions.csv")


def load(path: Path = FILE) -> int:
    """Load or refresh the catalogue from a `;` file; lines are known by NATINF and first day. Returns how many."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    with platform_session("catalogue des infractions", write=True) as session:
        known = {(one.natinf, one.valid_from): one for one in session.scalars(select(Offence))}
        for line in lines:
            key = line["natinf"], _day(line["valide_du"]) or ALWAYS
            offence = known.get(key) or Offence(natinf=key[0], valid_from=key[1])
            _fill(offence, line)
            session.add(offence)
    return len(lines)


def offences_for(wanted: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Offence]:
    """The catalogue's line for each (NATINF, local day); unknown ones are absent, never guessed."""
    pairs = set(wanted)
    with platform_session("catalogue des infractions") as session:
        query = select(Offence).where(Offence.natinf.in_({natinf for natinf, _ in pairs}))
        lines = list(session.scalars(query.order_by(Offence.valid_from)))
    return {
        (natinf, day): line
        for natinf, day in pairs
        for line in lines
        if line.natinf == natinf and line.valid_from <= day and (line.valid_to is None or day <= line.valid_to)
    }


def _fill(offence: Offence, line: dict[str, str]) -> None:
    offence.valid_to = _day(line["valide_au"])
    offence.label = line["libelle"]
    offence.article = line["article"]
    offence.offence_class = line["classe"]
    offence.points = int(line["points"]) if line["points"] else None
    offence.reduced_amount = _amount(line["minoree"])
    offence.standard_amount = _amount(line["forfaitaire"])
    offence.increased_amount = _amount(line["majoree"])
    offence.automatic = line["controle_automatique"] == "oui"
    offence.designation_required = {"oui": True, "non": False}.get(line["designation_requise"])


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _amount(text: str) -> Decimal | None:
    return Decimal(text) if text else None
