"""Password rules and hashing: argon2id, at least 12 characters of any kind, 50 bits, and nothing commonly guessed."""

import math
import re
import secrets
import string
import unicodedata
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from eprunes.accounts.common_passwords import COMMON, WORDS

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 128
MINIMUM_BITS = 50
FEWEST_GUESSES = 10**10
LONGEST_JUDGED = 32
"""What is judged of a long password: on more, made up for the purpose, the estimate takes seconds."""

_FEW_WORDS = 3
_SHORTEST_PERSONAL = 4
_LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "€": "e"}
_ONES = [{"1": letter, "!": letter, "|": letter} for letter in "il"]
_BETTER = "choisissez plutôt quatre mots sans rapport entre eux."

PARAMETERS = {"time_cost": 2, "memory_cost": 46 * 1024, "parallelism": 1}
_hasher = PasswordHasher(**PARAMETERS)
_DECOY = _hasher.hash(secrets.token_urlsafe())
_LOCK = "!"
"""Stands before the hash of a password that opens nothing any more."""


class PasswordRefused(ValueError):
    """The password does not meet the rules; the message says which, in French, and how to do better."""


def check_rules(password: str, personal: Iterable[str] = ()) -> None:
    """Raise PasswordRefused unless the password is long, varied (CNIL 2022: 50 bits) and hard to guess.

    `personal` is what others know of the person (address, name, organisation): it makes no password either.
    """
    password = _normalised(password)
    if len(password) < MINIMUM_LENGTH:
        raise PasswordRefused(f"Choisissez au moins {MINIMUM_LENGTH} caractères, par exemple quatre mots.")
    if len(password) > MAXIMUM_LENGTH:
        raise PasswordRefused(f"Choisissez au plus {MAXIMUM_LENGTH} caractères.")
    if len(password) * math.log2(_alphabet_size(password)) < MINIMUM_BITS or len(set(password)) < 5:
        raise PasswordRefused("Ce mot de passe est trop prévisible\u00a0: mêlez lettres, chiffres ou plusieurs mots.")
    own = _personal_words(personal)
    if _is_made_of(password, COMMON):
        raise PasswordRefused(f"Ce mot de passe est parmi les plus courants\u00a0: {_BETTER}")
    if own and _is_made_of(password, COMMON | own):
        raise PasswordRefused(f"Votre adresse ou votre organisation fait deviner ce mot de passe\u00a0: {_BETTER}")
    judged = zxcvbn(_without_accents(password)[:LONGEST_JUDGED], user_inputs=[*own, *WORDS])
    if judged["guesses"] < FEWEST_GUESSES:
        raise PasswordRefused(f"Ce mot de passe se devine trop vite\u00a0: {_BETTER}")


def hash_password(password: str, personal: Iterable[str] = ()) -> str:
    """Hash a password that meets the rules; raises PasswordRefused otherwise."""
    check_rules(password, personal)
    return _hasher.hash(_normalised(password))


def verify(password_hash: str | None, password: str) -> bool:
    """True when the password is right. Takes the same time when there is no account, or its password is locked."""
    usable = password_hash if may_open(password_hash) else None
    return _is_right(usable or _DECOY, password) and usable is not None


def may_open(password_hash: str | None) -> bool:
    """True when there is a password, and it was not locked."""
    return bool(password_hash) and not password_hash.startswith(_LOCK)


def locked(password_hash: str | None) -> str | None:
    """What stays of the password of a blocked account: it opens nothing, and is known when it is chosen again."""
    return _LOCK + password_hash if may_open(password_hash) else password_hash


def is_the_locked_one(password_hash: str | None, password: str) -> bool:
    """True for the very password that was locked."""
    if not password_hash or may_open(password_hash):
        return False
    return _is_right(password_hash.removeprefix(_LOCK), password)


def renewed_hash(password_hash: str, password: str) -> str | None:
    """A new hash of a password that was just verified, when its own was made in an older way; None otherwise."""
    return _hasher.hash(_normalised(password)) if _hasher.check_needs_rehash(password_hash) else None


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _normalised(password))
    except (VerificationError, InvalidHashError):
        return False


def _normalised(password: str) -> str:
    """The same password from every keyboard: some send « é » as one character, some as two."""
    return unicodedata.normalize("NFC", password)


def _alphabet_size(password: str) -> int:
    size = 0
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        if any(character in alphabet for character in password):
            size += len(alphabet)
    if any(character not in string.ascii_letters + string.digits for character in password):
        size += 33
    return max(size, 2)


def _without_accents(text: str) -> str:
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _personal_words(personal: Iterable[str]) -> set[str]:
    """The words of an address, a name, an organisation, and each of them written in one."""
    words = set()
    for text in personal:
        folded = _without_accents(text).casefold()
        words.update(re.findall(r"[a-z]+", folded))
        words.update(_letters(part) for part in (folded, *folded.split("@")))
    return {word for word in words if len(word) >= _SHORTEST_PERSONAL}


def _is_made_of(password: str, words: Iterable[str]) -> bool:
    """True when nothing but up to three of the words is left, however it is dressed up."""
    return any(_can_be_cut(core, words, _FEW_WORDS) for core in _cores(password))


def _cores(password: str) -> set[str]:
    """The bare letters of a password, with digits and signs left out or read as the letters that they look like."""
    folded = _without_accents(password).casefold()
    bare = re.sub(r"^[^a-z]+|[^a-z]+$", "", folded)
    ends = {folded, bare, re.sub(r"[^a-z]+$", "", folded), re.sub(r"^[^a-z]+", "", folded)}
    read = {"".join({**_LEET, **ones}.get(c, c) for c in text) for text in ends for ones in _ONES}
    return {_letters(text) for text in (folded, *read)} - {""}


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", text)


def _can_be_cut(text: str, words: Iterable[str], pieces: int) -> bool:
    if text in words:
        return True
    if pieces == 1:
        return False
    return any(text[:at] in words and _can_be_cut(text[at:], words, pieces - 1) for at in range(1, len(text)))
