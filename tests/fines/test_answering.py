"""The two state machines, every pair of state and move, and what each reason asks for."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.core.refusals import Refused
from eprunes.fines.answering import (
    IN_FLIGHT,
    OPEN_STATES,
    AnswerMove,
    AnswerState,
    FilingReason,
    IllegalMove,
    ImpossibilityReason,
    NoticeMove,
    NoticeState,
    move,
    move_notice,
)

LEGAL_ANSWER_MOVES = [
    ("confirmee", "prendre_en_charge", "en_envoi"),
    ("en_envoi", "enregistrer", "enregistree"),
    ("en_envoi", "refuser", "refusee"),
    ("en_envoi", "perdre", "inconnue"),
    ("en_envoi", "reessayer", "confirmee"),
    ("inconnue", "constater_enregistree", "enregistree"),
    ("inconnue", "constater_refusee", "refusee"),
    ("inconnue", "constater_non_recue", "confirmee"),
    ("a_poster", "poster", "enregistree"),
    ("enregistree", "corriger", "remplacee"),
    ("remplacee", "retablir", "enregistree"),
]
LEGAL_NOTICE_MOVES = [
    ("a_traiter", "repondre", "repondue"),
    ("a_traiter", "classer", "classee"),
    ("a_traiter", "expirer", "expiree"),
    ("repondue", "refuser", "refusee"),
    ("refusee", "repondre", "repondue"),
    ("refusee", "classer", "classee"),
    ("classee", "rouvrir", "a_traiter"),
    ("expiree", "repondre", "repondue"),
]


def illegal(states, moves, legal):
    allowed = {(state, happened) for state, happened, _ in legal}
    return [pair for pair in product(states, moves) if pair not in allowed]


@pytest.mark.parametrize(("state", "happened", "after"), LEGAL_ANSWER_MOVES)
def test_an_answer_moves_along_the_table(state, happened, after):
    """C4.3-c"""
    assert move(AnswerState(state), AnswerMove(happened)) is AnswerState(after)


@pytest.mark.parametrize(("state", "happened"), illegal(AnswerState, AnswerMove, LEGAL_ANSWER_MOVES))
def test_an_answer_moves_nowhere_else(state, happened):
    with pytest.raises(IllegalMove) as refusal:
        move(state, happened)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(("state", "happened", "after"), LEGAL_NOTICE_MOVES)
def test_a_notice_moves_along_the_table(state, happened, after):
    """C4.3-c, decisions 2 and 7"""
    assert move_notice(NoticeState(state), NoticeMove(happened)) is NoticeState(after)


@pytest.mark.parametrize(("state", "happened"), illegal(NoticeState, NoticeMove, LEGAL_NOTICE_MOVES))
def test_a_notice_moves_nowhere_else(state, happened):
    with pytest.raises(IllegalMove) as refusal:
        move_notice(state, happened)
    assert str(refusal.value).endswith(".")


def test_a_second_answer_is_refused_in_a_sentence_that_a_form_can_show():
    """Decision 1"""
    with pytest.raises(Refused, match="^Une réponse a déjà été donnée à cet avis.$"):
        move_notice(NoticeState.ANSWERED, NoticeMove.ANSWER)


@pytest.mark.parametrize("happened", AnswerMove)
def test_nothing_follows_a_refused_answer(happened):
    """Decision 2: after a refusal only a new answer may follow."""
    with pytest.raises(IllegalMove):
        move(AnswerState.REFUSED, happened)


@pytest.mark.parametrize("happened", [one for one in AnswerMove if one is not AnswerMove.CORRECT])
def test_nothing_follows_a_registered_answer_but_a_correction(happened):
    with pytest.raises(IllegalMove):
        move(AnswerState.REGISTERED, happened)


@pytest.mark.parametrize("happened", [AnswerMove.CLAIM, AnswerMove.RETRY])
def test_an_answer_of_unknown_outcome_is_never_simply_sent_again(happened):
    with pytest.raises(IllegalMove, match="interroger l’ANTAI"):
        move(AnswerState.UNKNOWN, happened)


def test_every_answer_but_a_refused_or_a_replaced_one_closes_its_notice_to_the_others():
    """C4.3-e, decisions 1 and 2: where one is replaced, what replaces it stands."""
    assert set(AnswerState) - OPEN_STATES == {AnswerState.REFUSED, AnswerState.REPLACED}


def test_an_answer_queued_sending_or_unknown_forbids_destruction():
    """Decision 5"""
    assert {str(state) for state in IN_FLIGHT} == {"confirmee", "en_envoi", "inconnue"}


@given(st.lists(st.sampled_from(AnswerMove), max_size=12))
def test_an_answer_out_of_flight_stays_out_of_it(moves):
    """Decision 5: what allowed a destruction is never taken back."""
    state = AnswerState.CONFIRMED
    for happened in moves:
        before = state
        try:
            state = move(state, happened)
        except IllegalMove:
            continue
        assert state not in IN_FLIGHT or before in IN_FLIGHT


def test_filing_is_no_answer_and_can_be_taken_back():
    """Decision 7"""
    filed = move_notice(NoticeState.TO_ANSWER, NoticeMove.FILE)
    with pytest.raises(IllegalMove, match="rouvrez-le"):
        move_notice(filed, NoticeMove.ANSWER)
    assert move_notice(filed, NoticeMove.REOPEN) is NoticeState.TO_ANSWER


@pytest.mark.parametrize(
    ("reason", "label", "proofs", "needs_statement"),
    [
        ("vol", "Véhicule volé", ["plainte pour vol"], False),
        ("destruction", "Véhicule détruit", ["plainte pour destruction, ou déclaration"], False),
        ("usurpation", "Plaque usurpée", ["plainte pour usurpation"], False),
        ("cession", "Véhicule vendu ou cédé", ["Déclaration de cession", "Accusé d’enregistrement"], False),
        ("force_majeure", "Autre cas de force majeure", [], True),
        ("pas_notre_vehicule", "Ce n’est pas notre véhicule", [], True),
    ],
)
def test_each_impossibility_asks_for_its_own_proofs(reason, label, proofs, needs_statement):
    """C4.3-c: the closed list of A. 121-1, and our own reason with its comment."""
    required = ImpossibilityReason(reason).requirements
    assert required.label == label
    assert required.needs_statement is needs_statement
    assert len(required.proofs) == len(proofs)
    assert all(wanted in proof for wanted, proof in zip(proofs, required.proofs, strict=True))


def test_the_reasons_are_closed_lists_stored_in_plain_ascii():
    assert [str(reason) for reason in FilingReason] == ["pas_d_obligation", "fps", "payee", "autre"]
    assert len(ImpossibilityReason) == 6
    for value in (*ImpossibilityReason, *FilingReason, *NoticeState, *AnswerState, *AnswerMove, *NoticeMove):
        assert value.isascii()


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        (FilingReason.NO_DUTY, "Pas d’obligation de désigner"),
        (FilingReason.PARKING_FEE, "Forfait de post-stationnement (FPS)"),
        (FilingReason.PAID, "Amende déjà payée"),
        (FilingReason.OTHER, "Autre motif"),
    ],
)
def test_each_filing_reason_has_its_french_label(reason, label):
    """Decision 7"""
    assert reason.label == label
