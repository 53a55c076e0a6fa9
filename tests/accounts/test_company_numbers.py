"""Company numbers: what passes, what is refused, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.accounts.company_numbers import (
    CompanyNumber,
    CompanyNumberKind,
    InvalidCompanyNumber,
    parse_company_number,
)

SIREN, SIRET = CompanyNumberKind.SIREN, CompanyNumberKind.SIRET
RIDET, TAHITI = CompanyNumberKind.RIDET, CompanyNumberKind.TAHITI


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("732829320", SIREN, "732829320"),
        (" 732 829 320 ", SIREN, "732829320"),
        ("732\u00a0829\u202f320", SIREN, "732829320"),
        ("732.829-320", SIREN, "732829320"),
        ("732829320\n", SIREN, "732829320"),
        ("73282932000074", SIRET, "73282932000074"),
        ("339 453 508 00048", SIRET, "33945350800048"),
        ("356 000 000", SIREN, "356000000"),
    ],
)
def test_a_siren_or_a_siret_is_told_by_its_length(text, kind, value):
    """C3.1"""
    assert parse_company_number(text) == CompanyNumber(kind, value)


@pytest.mark.parametrize("siret", ["35600000000048", "35600000049837"])
def test_an_establishment_of_la_poste_follows_its_own_rule(siret):
    """C3.1"""
    assert parse_company_number(siret).value == siret


@pytest.mark.parametrize("siret", ["35600000049838", "35600000000049"])
def test_a_wrong_number_of_la_poste_is_refused(siret):
    """C3.1"""
    with pytest.raises(InvalidCompanyNumber, match="clé de contrôle"):
        parse_company_number(siret)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        ("732829321", None, "Ce SIREN est erroné\u00a0: sa clé de contrôle ne correspond pas."),
        ("73282932000079", None, "Ce SIRET est erroné\u00a0: sa clé de contrôle ne correspond pas."),
        # The SIRET passes as a whole, its first nine digits do not.
        ("12345678600003", None, "Ce SIRET est erroné\u00a0: sa clé de contrôle ne correspond pas."),
        ("73282932", None, "Indiquez un SIREN (neuf chiffres) ou un SIRET (quatorze chiffres)."),
        ("7328293200", None, "Indiquez un SIREN (neuf chiffres) ou un SIRET (quatorze chiffres)."),
        ("73282932O", None, "Un SIREN comporte neuf chiffres."),
        ("732829320", SIRET, "Un SIRET comporte quatorze chiffres."),
        ("73282932000074", SIREN, "Un SIREN comporte neuf chiffres."),
        ("", None, "Indiquez le numéro de l’entreprise."),
        (" - ", RIDET, "Indiquez le numéro de l’entreprise."),
    ],
)
def test_a_wrong_number_is_refused_in_french(text, kind, sentence):
    """C3.1"""
    with pytest.raises(InvalidCompanyNumber) as refusal:
        parse_company_number(text, kind)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0 132 720", "0132720"),
        ("132720", "0132720"),
        ("1 234 567", "1234567"),
        ("0 132 720.001", "0132720001"),
        ("132720.001", "0132720001"),
        ("1234567-002", "1234567002"),
    ],
)
def test_a_ridet_is_kept_with_its_kind_and_its_leading_zero(text, value):
    """C3.1: New Caledonia."""
    assert parse_company_number(text, RIDET) == CompanyNumber(RIDET, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [("075390", "075390"), ("a12345", "A12345"), ("A12345-001", "A12345001"), ("075390 002", "075390002")],
)
def test_a_tahiti_number_is_kept_with_its_kind(text, value):
    """C3.1: French Polynesia."""
    assert parse_company_number(text, TAHITI) == CompanyNumber(TAHITI, value)


@pytest.mark.parametrize("text", ["13272", "12345678", "12345678901", "A132720", "1327 é0"])
def test_a_malformed_ridet_is_refused(text):
    with pytest.raises(InvalidCompanyNumber, match="RIDET comporte sept chiffres"):
        parse_company_number(text, RIDET)


@pytest.mark.parametrize("text", ["07539", "0753901", "AB2345", "A1234B", "A1234500", "A1234500A", "É12345"])
def test_a_malformed_tahiti_number_is_refused(text):
    with pytest.raises(InvalidCompanyNumber, match="TAHITI comporte six chiffres"):
        parse_company_number(text, TAHITI)


def test_a_territorial_number_is_not_guessed():
    """A RIDET of ten digits without its kind is no number: the kind is explicit."""
    with pytest.raises(InvalidCompanyNumber, match="Indiquez un SIREN"):
        parse_company_number("0132720001")


@pytest.mark.parametrize(
    ("text", "kind", "siren"),
    [
        ("732829320", None, "732829320"),
        ("73282932000074", None, "732829320"),
        ("0132720", RIDET, None),
        ("075390", TAHITI, None),
    ],
)
def test_the_legal_person_is_read_from_both_french_numbers(text, kind, siren):
    assert parse_company_number(text, kind).siren == siren


@given(st.text(max_size=20), st.sampled_from([None, *CompanyNumberKind]))
def test_any_text_gives_a_clean_number_or_a_refusal(text, kind):
    try:
        number = parse_company_number(text, kind)
    except InvalidCompanyNumber:
        return
    assert number.value.isascii()
    assert number.value.isalnum()
    assert parse_company_number(number.value, number.kind) == number


@given(st.integers(0, 99_999_999), st.integers(0, 9))
def test_exactly_one_last_digit_makes_a_siren(stem, digit):
    """C3.1"""
    accepted = [last for last in range(10) if _passes(f"{stem:08}{last}")]
    assert len(accepted) == 1
    assert _passes(f"{stem:08}{digit}") == (digit in accepted)


def _passes(text: str) -> bool:
    try:
        parse_company_number(text)
    except InvalidCompanyNumber:
        return False
    return True
