"""Why an assignment was corrected or cancelled: a closed list, since a free text would name people in the journal."""

from enum import StrEnum


class ChangeReason(StrEnum):
    MISTYPED = "erreur_de_saisie"
    SWAPPED = "echange"
    RETURNED_EARLY = "retour_anticipe"
    OTHER = "autre"
    STILL_OUT = "rendu_par_erreur"
    GIVEN_BACK_AT_ONCE = "rendu_aussitot"


OFFERED = {
    ChangeReason.MISTYPED: "Erreur de saisie",
    ChangeReason.SWAPPED: "Échange entre conducteurs",
    ChangeReason.RETURNED_EARLY: "Retour anticipé",
    ChangeReason.OTHER: "Autre motif",
}
"""What a form lets choose."""
WORDS = {
    **OFFERED,
    ChangeReason.STILL_OUT: "Rendu par erreur",
    ChangeReason.GIVEN_BACK_AT_ONCE: "Rendu aussitôt pris",
}
