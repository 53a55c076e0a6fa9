"""Password rules and hashing. Argon2id with the library's defaults (64 MiB, t=3, p=4), above the floor."""

import math
import string

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM_LENGTH = 12
MAXIMUM_LENGTH = 128
MINIMUM_BITS = 50

_hasher = PasswordHasher()
_DECOY = _hasher.hash("le mot de passe de personne")


class PasswordRefused(ValueError):
    """The password does not meet the rules; the message says which, in French."""


def check_rules(password: str) -> None:
    """Raise PasswordRefused unless long enough and at least 50 bits by the CNIL 2022 formula."""
    if len(password) < MINIMUM_LENGTH:
        raise PasswordRefused(f"Choisissez au moins {MINIMUM_LENGTH} caractères.")
    if len(password) > MAXIMUM_LENGTH:
        raise PasswordRefused(f"Choisissez au plus {MAXIMUM_LENGTH} caractères.")
    if len(password) * math.log2(_alphabet_size(password)) < MINIMUM_BITS or len(set(password)) < 5:
        raise PasswordRefused("Ce mot de passe est trop prévisible\u00a0: mêlez lettres, chiffres ou plusieurs mots.")


def hash_password(password: str) -> str:
    """Hash a password that meets the rules; raises PasswordRefused otherwise."""
    check_rules(password)
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """True when the password is right. Takes the same time when there is no account."""
    try:
        return _hasher.verify(password_hash or _DECOY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def _alphabet_size(password: str) -> int:
    size = 0
    for alphabet in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        if any(character in alphabet for character in password):
            size += len(alphabet)
    if any(character not in string.ascii_letters + string.digits for character in password):
        size += 33
    return max(size, 2)
