"""What a line of the catalogue may say: amounts in order, points known or not, days that follow each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from eprunes.core.wording import short_day

CLASSES = {
    "1": "Contravention de 1ʳᵉ classe",
    "2": "Contravention de 2ᵉ classe",
    "3": "Contravention de 3ᵉ classe",
    "4": "Contravention de 4ᵉ classe",
    "5": "Contravention de 5ᵉ classe",
    "délit": "Délit",
}
ALWAYS = date(1900, 1, 1)
"""The first day of what holds since ever."""
MOST_POINTS = 6
LONGEST_NATINF, LONGEST_LABEL, LONGEST_ARTICLE = 6, 200, 20
HIGHEST_AMOUNT = Decimal(100_000)
FROM_THE_FILE = (
    "Cette ligne vient du catalogue du logiciel\u00a0: corrigez-la, terminez-la, ou remplacez-la à partir d’un jour."
)
_CENT = Decimal("0.01")
NOT_MONEY = "Indiquez un montant en euros, par exemple 135 ou 37,50."


@dataclass(frozen=True)
class Said:
    """What a line says of an offence (*ligne du catalogue*), beside its NATINF and its days; None = not known."""

    label: str
    article: str
    offence_class: str
    points: int | None
    reduced_amount: Decimal | None
    standard_amount: Decimal | None
    increased_amount: Decimal | None
    automatic: bool
    designation_required: bool | None


@dataclass(frozen=True)
class Days:
    """The first and the last day of a line, both included; no last one while it is in force."""

    first: date
    last: date | None = None

    def overlaps(self, other: "Days") -> bool:
        """Whether a day belongs to both."""
        starts_before = other.last is None or self.first <= other.last
        return starts_before and (self.last is None or other.first <= self.last)


EDITED = "Quelqu’un d’autre vient de modifier cette ligne\u00a0: revenez à la liste et rouvrez-la."


def mark_of(edited_at: datetime | None) -> str:
    """By which a form knows whether the line is still as it was shown."""
    return edited_at.isoformat() if edited_at else "fichier"


def bare_natinf(code: str) -> str:
    """The NATINF as the catalogue knows it: zeros before it say nothing."""
    return code.lstrip("0") or code


def natinf_problem(natinf: str) -> str | None:
    """What is wrong with a NATINF number, if anything."""
    is_number = natinf.isascii() and natinf.isdecimal() and not natinf.startswith("0")
    fits = is_number and len(natinf) <= LONGEST_NATINF
    return None if fits else "Un NATINF s’écrit en chiffres, six au plus, sans zéro devant."


def problems(said: Said, days: Days) -> dict[str, str]:
    """What is wrong with a line, by field."""
    found = _amount_problems(said)
    if not said.label or len(said.label) > LONGEST_LABEL:
        found["label"] = f"De 1 à {LONGEST_LABEL} caractères."
    if len(said.article) > LONGEST_ARTICLE:
        found["article"] = f"{LONGEST_ARTICLE} caractères au plus."
    if said.offence_class not in CLASSES:
        found["offence_class"] = "Choisissez une classe de la liste."
    if said.points is not None and said.points not in range(MOST_POINTS + 1):
        found["points"] = f"De 0 à {MOST_POINTS} points."
    if days.last is not None and days.last < days.first:
        found["valid_to"] = "Le dernier jour ne peut pas précéder le premier."
    return found


def overlap_problem(days: Days, others: Iterable[Days]) -> str | None:
    """The sentence that names another line of the same offence valid on one of these days, if there is one."""
    other = next((one for one in others if days.overlaps(one)), None)
    if other is None:
        return None
    since = "depuis toujours" if other.first == ALWAYS else f"depuis le {short_day(other.first)}"
    until = f", jusqu’au {short_day(other.last)}" if other.last else ""
    return f"Une autre ligne de ce NATINF vaut {since}{until}\u00a0: terminez-la, ou remplacez-la à partir d’un jour."


def _amount_problems(said: Said) -> dict[str, str]:
    amounts = {
        "reduced_amount": said.reduced_amount,
        "standard_amount": said.standard_amount,
        "increased_amount": said.increased_amount,
    }
    found = {name: NOT_MONEY for name, one in amounts.items() if one is not None and not _is_money(one)}
    if found:
        return found
    reduced, standard, increased = amounts.values()
    if standard is None and reduced is None and increased is None:
        return {}
    if standard is None:
        return {"standard_amount": "Indiquez l’amende forfaitaire, ou aucun montant."}
    if increased is None:
        return {"increased_amount": "Indiquez l’amende majorée."}
    if reduced is not None and reduced > standard:
        return {"reduced_amount": "L’amende minorée ne peut pas dépasser l’amende forfaitaire."}
    if increased < standard:
        return {"increased_amount": "L’amende majorée ne peut pas être inférieure à l’amende forfaitaire."}
    return {}


def _is_money(amount: Decimal) -> bool:
    return amount.is_finite() and 0 < amount < HIGHEST_AMOUNT and amount == amount.quantize(_CENT)
