"""Whether the proposed driver may be designated without a second look, and the sentence on why not. Pure."""

from datetime import date, datetime, timedelta

from eprunes.accounts.retention import DEFAULT, shared_cutoff
from eprunes.core.calendar import paris_day
from eprunes.fines.answering import NoticeState
from eprunes.fines.asking.driver_requests import Inquiry
from eprunes.fines.channels import channel_of
from eprunes.fines.designation_rules import law_wants_driver, tidied
from eprunes.fines.models import Channel, Notice, NoticeKind, Offence
from eprunes.fines.proposals import NEAR_A_CHANGE, Proposal, Why
from eprunes.fleet.driver_details import DriverDetails, missing_for_designation
from eprunes.fleet.driver_rules import doubts

ANSWERED = "Une réponse a déjà été donnée à cet avis."
PARKING_FEE = "Forfait de post-stationnement\u00a0: aucune désignation n’est possible."
FILED = "Cet avis est classé sans désignation\u00a0: rouvrez-le d’abord."
REFUSED = "L’ANTAI a déjà refusé une réponse à cet avis\u00a0: regardez pourquoi, puis répondez-y seul."
LATE = "L’échéance est passée\u00a0: répondez à cet avis seul, sa page dit ce qui s’ensuit."
CHANGED = "L’ANTAI a modifié cet avis\u00a0: regardez-le, puis répondez-y seul."
ERASED = "Les données du conducteur proposé ont été effacées."
LICENCE_TOO_LATE = "Le permis du conducteur aurait été délivré après l’infraction\u00a0: vérifiez sa fiche."
DOUBTFUL = "Le permis du conducteur aurait été délivré avant ses 16 ans\u00a0: vérifiez sa fiche."
DENIED = "Le conducteur proposé a répondu que ce n’était pas lui\u00a0: lisez sa réponse sur la page de l’avis."
NOBODY_PROPOSED = {
    Why.NO_VEHICLE: "Ce véhicule n’est pas dans votre parc.",
    Why.BEFORE_ENTRY: "Ce véhicule n’était pas encore dans votre parc.",
    Why.AFTER_EXIT: "Ce véhicule avait quitté votre parc\u00a0: déclarez l’impossibilité depuis la page de l’avis.",
    Why.NOBODY: "Personne n’avait ce véhicule à cet instant.",
    Why.TWO_POSSIBLE: "Deux conducteurs sont possibles\u00a0: cette heure a existé deux fois cette nuit-là.",
}
NEAR = "Proche d’un changement de conducteur"
NO_DUTY = "La loi n’impose pas de désigner"
_REPLIED = "Le conducteur a répondu\u00a0: lisez sa réponse sur la page de l’avis avant de confirmer"
_AWAITED = "Le conducteur a été interrogé et n’a pas encore répondu\u00a0: son lien s’éteint si vous confirmez"
INQUIRIES = {Inquiry.REPLIED: _REPLIED, Inquiry.AWAITED: _AWAITED}
BY_LETTER = "Par lettre recommandée, à poster"
_FIELDS = {
    "last_name": "nom",
    "first_name": "prénom",
    "birth_date": "date de naissance",
    "postcode": "code postal",
    "city": "ville",
    "country": "pays",
    "licence_number": "numéro de permis",
    "licence_issued_on": "date du permis",
    "licence_country": "pays du permis",
    "phone": "téléphone",
    "email": "adresse e-mail",
}


def of_notice(notice: Notice, was_refused: bool, as_of: datetime) -> str:
    """Why this notice can't be answered among others; empty when it can."""
    obstacles = (
        (notice.is_answered, ANSWERED),
        (notice.kind == NoticeKind.PARKING_FEE, PARKING_FEE),
        (notice.state == NoticeState.FILED, FILED),
        (notice.state == NoticeState.REFUSED or was_refused, REFUSED),
        (_is_late(notice, as_of), LATE),
        (notice.content_changed, CHANGED),
    )
    return next((sentence for is_met, sentence in obstacles if is_met), "")


def _is_late(notice: Notice, as_of: datetime) -> bool:
    """Whether its deadline, or its window here, was over at this instant: its state may tell of a later one."""
    has_closed = notice.state == NoticeState.EXPIRED and notice.posted_on < shared_cutoff(as_of, DEFAULT)
    return has_closed or notice.deadline_on < paris_day(as_of)


def of_proposal(proposal: Proposal, has_denied: bool) -> str:
    """Why nobody is proposed, or cannot be without a second look; empty when somebody is. `has_denied`: this driver
    was asked, and says that it was not them."""
    if proposal.driver_id is not None:
        return DENIED if has_denied else ""
    return NOBODY_PROPOSED.get(proposal.why, NOBODY_PROPOSED[Why.NOBODY])


def of_driver(details: DriverDetails | None, today: date, offence_day: date) -> str:
    """Why what is known of a driver can't be declared as it stands, never what it says; empty when it can."""
    if details is None:
        return ERASED
    tidy, problems = tidied(details, today, offence_day)
    if missing := missing_for_designation(tidy):
        return f"La fiche du conducteur est incomplète\u00a0: il manque {', '.join(missing)}."
    if problems.keys() == {"licence_issued_on"} and offence_day < (tidy.licence_issued_on or offence_day) <= today:
        return LICENCE_TOO_LATE
    if problems:
        named = ", ".join(_FIELDS.get(name, "adresse") for name in problems)
        return f"La fiche du conducteur est à corriger\u00a0: {named}."
    return DOUBTFUL if doubts(tidy) else ""


def remarks(notice: Notice, proposal: Proposal, offence: Offence | None) -> list[str]:
    """What is worth knowing of a designation that is ready, though nothing forbids it."""
    wanted = law_wants_driver(notice.designation_asked, offence.designation_required if offence else None)
    facts = (
        (_is_near_a_change(notice, proposal), NEAR),
        (wanted is False, NO_DUTY),
        (channel_of(notice) is Channel.LETTER, BY_LETTER),
    )
    return [word for is_so, word in facts if is_so]


def _is_near_a_change(notice: Notice, proposal: Proposal) -> bool:
    held = proposal.assignment
    if held is None:
        return False
    since = notice.offence_at - held.starts_at
    left = timedelta.max if held.ends_at is None else held.ends_at - notice.offence_at
    return min(since, left) <= NEAR_A_CHANGE
