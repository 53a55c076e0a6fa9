"""The catalogue of offences as data: loading it, and finding the line in force on a day."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from sqlalchemy import Row, select

from eprunes.core.database import TenantSession, admitting, platform_session
from eprunes.fines.catalogue_rules import ALWAYS
from eprunes.fines.models import Offence

CatalogueLine = Offence | Row
"""A line of the catalogue, as an object or as it was read for a list."""
FILE = Path(__file__).with_name("infractions.csv")
_REASON = "catalogue des infractions"

_SHOWN = Offence.natinf, Offence.valid_from, Offence.valid_to, Offence.label, Offence.designation_required
_EVERY_LINE = select(*_SHOWN).order_by(Offence.label, Offence.valid_from)


def load(path: Path = FILE) -> int:
    """Load or refresh the catalogue from a `;` file; lines are known by NATINF and first day. Returns how many.

    Offences that an operator edited are left as they are, with all their lines.
    """
    lines = _read(path)
    with platform_session(_REASON, write=True) as session:
        stored = session.scalars(select(Offence)).all()
        known = {(one.natinf, one.valid_from): one for one in stored}
        edited = {one.natinf for one in stored if one.edited_at is not None}
        lines = [line for line in lines if line["natinf"] not in edited]
        for line in lines:
            key = _key(line)
            offence = known.get(key) or Offence(natinf=key[0], valid_from=key[1])
            _fill(offence, line)
            session.add(offence)
    return len(lines)


@cache
def file_keys() -> frozenset[tuple[str, date]]:
    """(NATINF, first day) of each line of the software's own file: what loading it brings."""
    return frozenset(_key(line) for line in _read(FILE))


def offences_for(
    wanted: Iterable[tuple[str, date]], lines: Iterable[CatalogueLine] | None = None
) -> dict[tuple[str, date], CatalogueLine]:
    """The catalogue's line for each (NATINF, local day); unknown ones are absent, never guessed.

    `lines`: the catalogue, for who has read it already.
    """
    pairs = set(wanted)
    known = lines_of(natinf for natinf, _ in pairs) if lines is None else _by_natinf(lines)
    return {
        (natinf, day): line
        for natinf, day in pairs
        for line in known.get(natinf, ())
        if line.valid_from <= day and (line.valid_to is None or day <= line.valid_to)
    }


def every_line(within: TenantSession | None = None) -> Sequence[Row]:
    """The whole catalogue, in the order of its labels: a few dozen lines, with what lists show and ask of an offence.

    `within` is a session that is open already; without it one is opened and closed here.
    """
    with admitting(within, _REASON) if within else platform_session(_REASON) as session:
        return session.execute(_EVERY_LINE).all()


def lines_of(natinfs: Iterable[str]) -> dict[str, list[Offence]]:
    """Every line of these offences, oldest first; those that the catalogue doesn't know are absent."""
    query = select(Offence).where(Offence.natinf.in_(set(natinfs))).order_by(Offence.natinf, Offence.valid_from)
    with platform_session(_REASON) as session:
        return _by_natinf(session.scalars(query))


def _by_natinf(lines: Iterable[CatalogueLine]) -> dict[str, list[CatalogueLine]]:
    found: dict[str, list[CatalogueLine]] = {}
    for line in lines:
        found.setdefault(line.natinf, []).append(line)
    return found


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _key(line: dict[str, str]) -> tuple[str, date]:
    return line["natinf"], _day(line["valide_du"]) or ALWAYS


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
