"""Codes of the second factor: of the minute (TOTP) and of recovery. Nothing here touches the database."""

import hmac
import secrets
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

import pyotp
import segno
from markupsafe import Markup

from eprunes.core.crypto import fingerprint, key_store

ISSUER = "e-Prunes"
STEP_SECONDS = 30
DRIFT_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_CODES_FEW = 2
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 signs, none of which reads as another
_GROUP = 4
_GROUPS = 3


def new_secret() -> str:
    """160 random bits, in the letters that authenticator applications take."""
    return pyotp.random_base32()


def in_groups(text: str) -> str:
    """The same in groups of four, for people who type it."""
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def qr_code(secret: str, email: str) -> Markup:
    """What an authenticator application scans, as an SVG element without style or script."""
    address = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)
    drawing = segno.make(address, error="m").svg_inline(omitsize=True, light="#fff", svgclass="qr-code", lineclass=None)
    return Markup(drawing)  # noqa: S704 - squares drawn by the library, no text of anybody


def step_of(secret: str, typed: str, as_of: datetime) -> int | None:
    """The step of time whose code this is, one step of drift admitted on either side; None when it is wrong.

    Every candidate is compared, each in constant time.
    """
    code, now = "".join(typed.split()), int(as_of.timestamp()) // STEP_SECONDS
    totp, found = pyotp.TOTP(secret), None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Ten codes of 60 random bits, in groups."""
    return [_new_recovery_code() for _ in range(RECOVERY_CODES)]


def recovery_file(codes: list[str], email: str) -> str:
    """The codes as a text file, in the address of the link that saves it: nothing is kept for it anywhere."""
    text = f"{ISSUER} – codes de secours de {email}\nChacun ne sert qu’une fois.\n\n" + "\n".join(codes) + "\n"
    return f"data:text/plain;charset=utf-8,{quote(text)}"


def hash_of_recovery_code(identity_id: UUID, typed: str) -> bytes:
    """What is kept of a recovery code: keyed, so that a stolen database lets nobody try codes against it."""
    code = "".join(sign for sign in typed.upper() if sign.isalnum())
    return fingerprint(key_store().derived_secret("codes de secours"), f"{identity_id.hex} {code}")


def _new_recovery_code() -> str:
    signs = [secrets.choice(_ALPHABET) for _ in range(_GROUP * _GROUPS)]
    return "-".join("".join(signs[start : start + _GROUP]) for start in range(0, len(signs), _GROUP))
