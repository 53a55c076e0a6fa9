"""New drivers of a workbook whom the fleet, or another of its lines, may know under another number. Pure."""

from collections.abc import Iterable

from eprunes.fleet.driver_details import DriverDetails
from eprunes.fleet.driver_merge import Person, person_of


class Namesakes:
    """Who was met so far, by names (without case and accents) and birth date, and how each is called."""

    def __init__(self, known: Iterable[tuple[DriverDetails, str]]) -> None:
        self._met: dict[Person, str] = {}
        for details, label in known:
            self._meet(details, f"{label}, déjà enregistré,")

    def remark(self, details: DriverDetails, line: int) -> str:
        """What is to be checked about a new driver of a line, whom later lines are compared with; or nothing."""
        who = self._meet(details, f"La ligne {line}")
        if not who:
            return ""
        same = "a les mêmes nom, prénom et date de naissance"
        return f"{who} {same}\u00a0: si c’est la même personne, gardez un seul matricule."

    def _meet(self, details: DriverDetails, who: str) -> str:
        """Whom somebody looks like, met before."""
        person = person_of(vars(details))
        if person is None:
            return ""
        first = self._met.setdefault(person, who)
        return "" if first is who else first
