"""Plates: every series, every spelling, and the sentence for what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eprunes.fleet.plates import (
    InvalidPlate,
    Plate,
    PlateSeries,
    country_alpha2,
    country_alpha3,
    parse_plate,
)

LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"


@pytest.mark.parametrize(
    ("text", "key", "display", "series"),
    [
        ("FY-074-KE", "FY074KE", "FY-074-KE", PlateSeries.SIV),
        ("AA-001-AA", "AA001AA", "AA-001-AA", PlateSeries.SIV),
        ("ZZ999ZZ", "ZZ999ZZ", "ZZ-999-ZZ", PlateSeries.SIV),
        ("AB-123-WW", "AB123WW", "AB-123-WW", PlateSeries.SIV),
        ("WA-123-AB", "WA123AB", "WA-123-AB", PlateSeries.SIV),
        ("WW-001-AA", "WW001AA", "WW-001-AA", PlateSeries.WW),
        ("ww 123 ss", "WW123SS", "WW-123-SS", PlateSeries.WW),
        ("W-001-AA", "W001AA", "W-001-AA", PlateSeries.W),
        ("W111AA", "W111AA", "W-111-AA", PlateSeries.W),
        ("1234 AB 75", "1234AB75", "1234 AB 75", PlateSeries.FNI),
        ("1 a 01", "1A01", "1 A 01", PlateSeries.FNI),
        ("123-ABC-2A", "123ABC2A", "123 ABC 2A", PlateSeries.FNI),
        ("12 BIO 2b", "12BIO2B", "12 BIO 2B", PlateSeries.FNI),
        ("123 AB 20", "123AB20", "123 AB 20", PlateSeries.FNI),
        ("456 XY 95", "456XY95", "456 XY 95", PlateSeries.FNI),
        ("123 ABC 971", "123ABC971", "123 ABC 971", PlateSeries.FNI),
        ("123 ABC 978", "123ABC978", "123 ABC 978", PlateSeries.FNI),
        ("0120 AB 75", "120AB75", "120 AB 75", PlateSeries.FNI),
        ("1234 WW 75", "1234WW75", "1234 WW 75", PlateSeries.FNI),
        ("AB 123 C", "AB123C", "AB-123-C", PlateSeries.OTHER),
        ("A 12 B", "A12B", "A-12-B", PlateSeries.OTHER),
        ("12 CD 345", "12CD345", "12-CD-345", PlateSeries.OTHER),
        ("101 CMD 7", "101CMD7", "101-CMD-7", PlateSeries.OTHER),
        ("6123 4567", "61234567", "6123-4567", PlateSeries.OTHER),
    ],
)
def test_a_french_plate_is_read_whatever_its_series(text, key, display, series):
    assert parse_plate(text) == Plate("FR", key, display, series)


@pytest.mark.parametrize(
    "text",
    [
        "fy074ke",
        "FY 074 KE",
        " fy.074.ke ",
        "FY\u2011074\u2011KE",
        "FY\u2013074\u2014KE",
        "FY\u2212074\u2212KE",
        "FY\u00a0074\u202fKE",
        "FY\u00b7074\u00b7KE",
        "FY\u00ad074\u200bKE",
        "\ufefffy_074/ke\t\n",
        "ＦＹ０７４ＫＥ",
        "--FY---074 - KE--",
        "f y 0 7 4 k e",
    ],
)
def test_every_spelling_of_a_plate_gives_one_key(text):
    assert parse_plate(text) == Plate("FR", "FY074KE", "FY-074-KE", PlateSeries.SIV)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("AI-123-AB", "Une plaque SIV ne contient jamais I, O ou U."),
        ("AB-123-OB", "Une plaque SIV ne contient jamais I, O ou U."),
        ("UB-123-AB", "Une plaque SIV ne contient jamais I, O ou U."),
        ("SS-123-AB", "Une plaque SIV ne contient jamais le bloc SS."),
        ("AB-123-SS", "Une plaque SIV ne contient jamais le bloc SS."),
        ("AB-000-CD", "Le numéro d’une plaque SIV va de 001 à 999."),
        ("WW-000-AA", "Le numéro d’une plaque WW va de 001 à 999."),
        ("WW-123-AO", "Une plaque WW ne contient jamais I, O ou U."),
        ("W-000-AA", "Le numéro d’une plaque W garage va de 001 à 999."),
        ("W-123-IA", "Une plaque W garage ne contient jamais I, O ou U."),
        ("0000 AB 75", "Le numéro d’une plaque FNI va de 1 à 9999."),
        ("1234 AB 96", "Le département «\u00a096\u00a0» n’existe pas sur une plaque FNI."),
        ("1234 AB 00", "Le département «\u00a000\u00a0» n’existe pas sur une plaque FNI."),
        ("1234 AB 970", "Le département «\u00a0970\u00a0» n’existe pas sur une plaque FNI."),
        ("1234 AB 979", "Le département «\u00a0979\u00a0» n’existe pas sur une plaque FNI."),
        ("", "Indiquez l’immatriculation."),
        (" - ", "Indiquez l’immatriculation."),
        ("ÀB-123-CD", "Une immatriculation ne contient que des lettres sans accent et des chiffres."),
        ("AB-123-ß", "Une immatriculation ne contient que des lettres sans accent et des chiffres."),
        ("АВ-123-СD", "Une immatriculation ne contient que des lettres sans accent et des chiffres."),
        ("AB+123+CD", "Une immatriculation ne contient que des lettres sans accent et des chiffres."),
        ("=AB-123-CD", "Une immatriculation ne contient que des lettres sans accent et des chiffres."),
    ],
)
def test_a_wrong_plate_is_refused_with_its_reason(text, sentence):
    with pytest.raises(InvalidPlate) as refusal:
        parse_plate(text)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    "text", ["AB-12-CD", "AB-1234-CD", "ABC-123-DE", "AB-O12-CD", "12345 AB 75", "1234 AB", "X", "PLAQUE"]
)
def test_a_plate_of_no_french_form_is_refused_with_examples(text):
    with pytest.raises(InvalidPlate, match="n’est pas une immatriculation française") as refusal:
        parse_plate(text)
    assert "AB-123-CD" in str(refusal.value)


def test_an_endless_text_is_not_repeated_in_full():
    with pytest.raises(InvalidPlate) as refusal:
        parse_plate("A1" * 5_000)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    ("text", "country", "plate"),
    [
        ("m-ab 1234", "DE", Plate("DE", "MAB1234", "M-AB-1234", PlateSeries.FOREIGN)),
        ("1-abc-234", "be", Plate("BE", "1ABC234", "1-ABC-234", PlateSeries.FOREIGN)),
        ("SS-000-IOU", "ITA", Plate("IT", "SS000IOU", "SS-000-IOU", PlateSeries.FOREIGN)),
        ("A1", "GB", Plate("GB", "A1", "A1", PlateSeries.FOREIGN)),
        ("123456789012", "ES", Plate("ES", "123456789012", "123456789012", PlateSeries.FOREIGN)),
        ("123456 NC", "NC", Plate("NC", "123456NC", "123456-NC", PlateSeries.OTHER)),
        ("123456 P", "PYF", Plate("PF", "123456P", "123456-P", PlateSeries.OTHER)),
        ("123 AB", "BL", Plate("BL", "123AB", "123-AB", PlateSeries.OTHER)),
    ],
)
def test_a_plate_of_another_register_is_free_within_its_country(text, country, plate):
    assert parse_plate(text, country) == plate


@pytest.mark.parametrize("text", ["A", "1234567890123"])
def test_a_foreign_plate_is_two_to_twelve_characters_long(text):
    with pytest.raises(InvalidPlate, match="de 2 à 12 lettres ou chiffres"):
        parse_plate(text, "DE")


@pytest.mark.parametrize("country", ["FR", "fra", "GP", "MTQ", "GF", "RE", "YT"])
def test_the_overseas_departments_share_the_french_register(country):
    assert parse_plate("fy074ke", country) == parse_plate("FY-074-KE")


@pytest.mark.parametrize("country", ["", "XX", "FRANCE", "F", "ZZZ"])
def test_an_unknown_country_is_refused(country):
    with pytest.raises(InvalidPlate, match="^Le pays «\u00a0.*\u00a0» est inconnu"):
        parse_plate("FY-074-KE", country)


@pytest.mark.parametrize(("two", "three"), [("FR", "FRA"), ("DE", "DEU"), ("GB", "GBR"), ("NC", "NCL")])
def test_country_codes_convert_both_ways(two, three):
    assert country_alpha3(two) == country_alpha3(three.lower()) == three
    assert country_alpha2(three) == country_alpha2(two.lower()) == two


@given(
    left=st.text(LETTERS, min_size=2, max_size=2).filter(lambda block: block not in ("SS", "WW")),
    number=st.integers(1, 999),
    right=st.text(LETTERS, min_size=2, max_size=2).filter(lambda block: block != "SS"),
    separator=st.sampled_from(["", " ", "-", ".", "\u2011", "\u2013", "\u00a0", "\u202f", "  - "]),
    lower=st.booleans(),
)
def test_every_siv_plate_is_accepted_in_every_spelling(left, number, right, separator, lower):
    text = separator.join((left, f"{number:03}", right))
    plate = parse_plate(text.lower() if lower else text)
    assert plate == Plate("FR", f"{left}{number:03}{right}", f"{left}-{number:03}-{right}", PlateSeries.SIV)


@given(text=st.text(max_size=16) | st.text("AZ0 19-.é", max_size=14), country=st.sampled_from(["FR", "DE", "NC"]))
def test_any_text_gives_a_plate_that_reads_back_or_a_refusal(text, country):
    try:
        plate = parse_plate(text, country)
    except InvalidPlate:
        return
    assert plate.key.isascii()
    assert plate.key.isalnum()
    assert plate.key == plate.key.upper()
    assert parse_plate(plate.display, plate.country) == plate
    assert parse_plate(plate.key, plate.country).key == plate.key


@given(st.from_regex(r"\A[A-Z0-9]{4,9}\Z"))
def test_the_key_of_a_french_plate_alone_gives_back_the_whole_plate(key):
    try:
        plate = parse_plate(key)
    except InvalidPlate:
        return
    assert parse_plate(plate.key) == plate
