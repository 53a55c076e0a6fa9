"""What may be declared of a designated driver: the rules of a driver's file, and those that the offence adds."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from eprunes.core.refusals import Refused
from eprunes.core.texts import folded
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.models import Notice, NoticeKind
from eprunes.fleet import driver_rules
from eprunes.fleet.driver_details import DriverDetails

AGENCY_FIELDS = (
    "civility",
    "last_name",
    "first_name",
    "birth_date",
    "birth_place",
    "address_inside",
    "address_complement",
    "address_line",
    "address_locality",
    "postcode",
    "city",
    "country",
    "licence_number",
    "licence_issued_on",
    "licence_country",
)
"""What a designation asks for, of all that a driver's file holds."""
NOBODY_COULD_DRIVE = (ImpossibilityReason.THEFT, ImpossibilityReason.DESTRUCTION, ImpossibilityReason.SALE)
"""Reasons by which the vehicle was gone, so that nobody could drive it any more."""
PARKING_FEE = (
    "Un forfait de post-stationnement (FPS) n’est pas une contravention\u00a0: aucun conducteur ne peut être désigné, "
    "il est dû par le titulaire du certificat d’immatriculation."
)
LATE_SALE = (
    "Ces pièces sont datées d’après l’infraction\u00a0: si le véhicule n’était pas encore cédé, désignez le "
    "conducteur. S’il l’était, exposez quand il a été vendu."
)
HELD = (
    "D’après votre parc, un conducteur avait ce véhicule à cet instant\u00a0: désignez-le ou, si la désignation est "
    "vraiment impossible, exposez les faits."
)
UNEXPLAINED = (
    "D’après votre parc, ce conducteur n’avait pas ce véhicule à cet instant\u00a0: indiquez pourquoi vous le désignez."
)
DENIED = "Ce conducteur a répondu que ce n’était pas lui\u00a0: indiquez pourquoi vous le désignez."
SOMEBODY_ELSE = (
    "Ce nom et cette date de naissance ne sont pas ceux du conducteur choisi\u00a0: choisissez la personne, ou "
    "indiquez pourquoi vous la désignez."
)


def why_no_answer(notice: Notice) -> str | None:
    """Why the law knows no answer to this kind of notice, neither a designation nor an impossibility; or None."""
    return PARKING_FEE if notice.kind == NoticeKind.PARKING_FEE else None


def law_wants_driver(asked: bool | None, required: bool | None) -> bool | None:
    """Whether the law wants a driver designated: `asked`, as a paper notice says it; `required`, as the catalogue does.

    True when either says so; False when neither does and one says no; None when nobody knows.
    """
    said = asked, required
    if True in said:
        return True
    return False if False in said else None


def refuse_unanswerable(notice: Notice) -> None:
    """Raises Refused where the law knows no answer."""
    if because := why_no_answer(notice):
        raise Refused(because)


def refuse_late_sale(reason: ImpossibilityReason, dated: Sequence[date], comment: str, offence_day: date) -> None:
    """Refuse a sale whose papers came after the offence, unless the facts are told: who sold has fifteen days to
    declare it (Code de la route R. 322-4), and who had not sold yet has to designate. Raises Refused on `comment`.
    """
    if reason is ImpossibilityReason.SALE and dated and min(dated) > offence_day and not comment.strip():
        raise Refused(LATE_SALE, "comment")


def refuse_held(reason: ImpossibilityReason, comment: str, holders: set[UUID]) -> None:
    """Refuse, unless the facts are told, a vehicle said to be gone while the fleet says that somebody had it. A false
    plate was on another vehicle: there a holder contradicts nothing. Raises Refused on `comment`.
    """
    if reason in NOBODY_COULD_DRIVE and holders and not comment.strip():
        raise Refused(HELD, "comment")


def to_explain(notice: Notice, driver_id: UUID | None, holders: set[UUID], denied: set[UUID]) -> str:
    """What whoever designates this driver has to explain; empty where nothing speaks against them.

    `holders`: who had the vehicle then, as the fleet says; `denied`: who was asked, and said that it was not them.
    """
    if driver_id in denied:
        return DENIED
    return UNEXPLAINED if notice.vehicle_id is not None and driver_id not in holders else ""


def is_somebody_else(known: DriverDetails, told: DriverDetails) -> bool:
    """Whether these details are another person's than the file's: the name and the birth differ, both. A name or a
    date alone may have been mistyped."""
    names = [folded(f"{one.last_name} {one.first_name}") for one in (known, told)]
    return names[0] != names[1] and known.birth_date != told.birth_date


def tidied(details: DriverDetails, today: date, offence_day: date) -> tuple[DriverDetails, dict[str, str]]:
    """The details as they are declared, and the French sentences of what is wrong, by field.

    `today` is the organisation's local day, `offence_day` the day where the offence was.
    """
    tidy, problems = driver_rules.tidied(details, today)
    if tidy.licence_issued_on and tidy.licence_issued_on > offence_day:
        sentence = f"Le permis ne peut pas être délivré après l’infraction, qui est du {offence_day:%d/%m/%Y}."
        problems.setdefault("licence_issued_on", sentence)
    return tidy, problems


def declares_the_same(details: DriverDetails, snapshot: dict) -> bool:
    """Whether the agency would read of these details what a sealed designation told it."""
    before = snapshot["conducteur"]
    return all(str(getattr(details, name) or "") == str(before.get(name) or "") for name in AGENCY_FIELDS)
