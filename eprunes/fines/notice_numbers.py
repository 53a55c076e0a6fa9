"""The numbers that notices bear: as people type them, and as they are kept and found again."""

from eprunes.core.crypto import fingerprint
from eprunes.fines.models import NoticeKind

LENGTHS = range(9, 17)
PARKING_FEE_LENGTH = 26
KEY_LENGTH = 2
"""What follows the number of a parking fee (« clé »): it may be left out, and is no part of the number."""

_SEPARATORS = str.maketrans("", "", ".-/\u2010\u2011\u2013\u2212")
BAD_OFFENCE_NUMBER = (
    f"Le numéro d’un avis de contravention comporte de {LENGTHS[0]} à {LENGTHS[-1]} chiffres, sans lettre."
)
BAD_FEE_NUMBER = "Le numéro d’un FPS comporte 26 chiffres, suivis ou non d’une clé de 2 chiffres."
BAD_NUMBER = "Ni un numéro d’avis (9 à 16 chiffres), ni un numéro de FPS (26 chiffres et 2 de clé)."


def bare(text: str) -> str:
    """A number without the spaces, dots and dashes that people put into it."""
    return "".join(text.split()).translate(_SEPARATORS)


def read_number(text: str, kind: NoticeKind) -> tuple[str, str]:
    """The number of a notice of this kind, and the key after it ("" without one). Raises ValueError, in French."""
    digits = bare(text)
    is_number = digits.isascii() and digits.isdigit()
    if kind is NoticeKind.PARKING_FEE:
        if not is_number or len(digits) not in (PARKING_FEE_LENGTH, PARKING_FEE_LENGTH + KEY_LENGTH):
            raise ValueError(BAD_FEE_NUMBER)
        return digits[:PARKING_FEE_LENGTH], digits[PARKING_FEE_LENGTH:]
    if not is_number or len(digits) not in LENGTHS:
        raise ValueError(BAD_OFFENCE_NUMBER)
    return digits, ""


def any_number(text: str) -> str:
    """The number of a notice of either kind. Raises ValueError, in French."""
    for kind in NoticeKind:
        try:
            return read_number(text, kind)[0]
        except ValueError:
            continue
    raise ValueError(BAD_NUMBER)


def number_print(index_key: bytes, number: str) -> bytes:
    """What a notice is found by: a keyed fingerprint of its number, whose leading zeros say nothing."""
    return fingerprint(index_key, f"avis:{number.lstrip('0')}")
