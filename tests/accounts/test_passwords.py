"""What makes a password here, and how it is kept."""

import importlib.util
import re
import unicodedata
from contextlib import suppress

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from eprunes.accounts import passwords
from eprunes.accounts.common_passwords import WORDS
from eprunes.accounts.passwords import PasswordRefused, check_rules

KNOWN = ("lea.tremblay@transports-dupuy.example", "Léa Tremblay", "Transports Dupuy")


def refusal(password: str, personal: tuple[str, ...] = ()) -> str:
    with pytest.raises(PasswordRefused) as refused:
        check_rules(password, personal)
    return str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        "agrafe cheval bougie nuage",
        "Agrafe-Cheval-Bougie-Nuage",
        "quatre prunes bien mures",
        "cheval soleil doudou paris",
        "kR7$vvPq2!mZ",
        "  espaces devant et derrière  ",
        "пароль из четырёх слов",
        "🐴🔋📎🔩 agrafe bougie",
    ],
)
def test_words_without_relation_and_random_signs_make_a_password(password):
    check_rules(password, KNOWN)


@pytest.mark.parametrize(("length", "passes"), [(11, False), (12, True), (128, True), (129, False)])
def test_a_password_has_twelve_to_128_characters(length, passes):
    password = ("kR7$vvPq2!mZ" + "x9-Lq hW4+tz" * 12)[:length]
    if passes:
        check_rules(password)
    else:
        assert refusal(password) in (
            "Choisissez au moins 12 caractères, par exemple quatre mots.",
            "Choisissez au plus 128 caractères.",
        )


@pytest.mark.parametrize(
    "password",
    [
        "Motdepasse2024!",
        "M0td3p@sse2024!",
        "mot-de-passe-123",
        "Azertyuiop123",
        "azertyuiopqsdfg",
        "poiuytreza2024",
        "Soleil-2024-!!",
        "$oleil$oleil24",
        "!!!!Doudou!!!!",
        "Soleil2024Doudou",
        "Marseille13013!",
        "AllezLOM13013!",
        "Jean-Pierre1958",
        "Éloïse-Élise-75",
        "Saint-Étienne42",
        "Entreprise2024!",
        "E-Prunes-2024!!",
        "Contraventions1",
        "Liberté-Égalité-Fraternité",
        "bonjourbonjourbonjour",
        "12-Bonjour-2025",
        "\u200bmotdepasse\u200b\u200b12",
    ],
)
def test_what_french_people_choose_first_makes_none(password):
    """CNIL 2022: not among common passwords, however they are dressed up."""
    assert refusal(password) == (
        "Ce mot de passe est parmi les plus courants\u00a0: choisissez plutôt quatre mots sans rapport entre eux."
    )


@pytest.mark.parametrize("password", ["111111111111111", "abababababababab", "aaaaaaaaaaaab", "0101010101012"])
def test_few_different_signs_make_none(password):
    assert "trop prévisible" in refusal(password)


def test_digits_alone_need_to_be_many():
    """CNIL 2022: 50 bits are 16 digits."""
    assert "trop prévisible" in refusal("592740183659274")
    check_rules("5927401836519274")


@pytest.mark.parametrize(
    "password", ["correcthorse12", "password1234!", "Trustno1trustno1", "qwerty12345678", "01/02/1984-1984"]
)
def test_what_others_choose_first_makes_none(password):
    assert "choisissez plutôt quatre mots" in refusal(password)


@pytest.mark.parametrize(
    "password",
    [
        "LeaTremblay2024",
        "Tremblay-Lea-75",
        "transports-dupuy",
        "Tr@nsportsDupuy!",
        "TremblayDupuy1!",
        "transportsdupuy.example",
    ],
)
def test_what_is_known_of_the_person_makes_none(password):
    assert "courants" in refusal(password, KNOWN) or "Votre adresse ou votre organisation" in refusal(password, KNOWN)


def test_what_is_known_of_another_person_does():
    check_rules("Tremblay-Dupuykin", ())
    assert "Votre adresse" in refusal("Tremblay-Dupuy-75", KNOWN)


@given(st.text(max_size=200))
def test_every_text_is_judged_without_an_accident(password):
    with suppress(PasswordRefused):
        check_rules(password, KNOWN)


@pytest.mark.parametrize("password", ["4@8({[<369$5+7!1|0%2" * 6, "1aA!" * 32, "a" * 50_000, "1/1/11-" * 18])
def test_no_password_keeps_the_server_busy(password, monkeypatch):
    """What is estimated of a password made up to be slow is cut short."""
    judged = []
    estimate = passwords.zxcvbn
    monkeypatch.setattr(passwords, "zxcvbn", lambda text, **known: judged.append(text) or estimate(text, **known))
    with suppress(PasswordRefused):
        check_rules(password, KNOWN)
    assert all(len(text) <= passwords.LONGEST_JUDGED for text in judged)


def test_the_password_of_nobody_is_as_slow_to_check_as_that_of_somebody():
    """User enumeration by time: what an unknown address is checked against is kept by the product's own parameters."""
    spec = importlib.util.spec_from_file_location("passwords_of_the_product", passwords.__file__)
    product = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(product)
    somebody = product.hash_password("agrafe cheval bougie")
    assert extract_parameters(product._DECOY) == extract_parameters(somebody)


def test_the_same_password_from_every_keyboard_opens():
    """Accents come composed from some keyboards, in two pieces from others."""
    composed, pieces = (unicodedata.normalize(form, "écureuil à l’œil éveillé") for form in ("NFC", "NFD"))
    assert composed != pieces
    for set_as, typed in ((composed, pieces), (pieces, composed)):
        assert passwords.verify(passwords.hash_password(set_as), typed)


def test_nothing_is_trimmed():
    kept = passwords.hash_password(" agrafe cheval bougie ")
    assert passwords.verify(kept, " agrafe cheval bougie ")
    assert not passwords.verify(kept, "agrafe cheval bougie")


def test_it_is_kept_as_argon2id_above_the_floor(monkeypatch):
    """19 MiB, two passes, at the least; each time with another salt."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(**passwords.PARAMETERS))
    first, second = (passwords.hash_password("agrafe cheval bougie") for _ in range(2))
    assert first.startswith("$argon2id$")
    assert first != second
    parameters = extract_parameters(first)
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2
    assert passwords.renewed_hash(first, "agrafe cheval bougie") is None


def test_an_older_way_of_keeping_it_is_renewed():
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("agrafe cheval bougie")
    renewed = passwords.renewed_hash(older, "agrafe cheval bougie")
    assert passwords.verify(renewed, "agrafe cheval bougie")
    assert passwords.renewed_hash(renewed, "agrafe cheval bougie") is None


@pytest.mark.parametrize("kept", [None, "", "quelconque", "$argon2id$v=19$m=1,t=1,p=1$a$b"])
def test_without_a_password_nothing_opens(kept):
    assert not passwords.verify(kept, "le mot de passe de personne")


def test_the_common_words_are_written_as_they_are_looked_up():
    assert len(WORDS) > 600
    assert all(re.fullmatch(r"[a-z]{2,}", word) for word in WORDS)
