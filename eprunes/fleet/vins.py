"""The vehicle identification number (*VIN*, box E of the registration certificate)."""

import re

_SEPARATORS = re.compile(r"[-\s.]+")
_MODERN = re.compile(r"[A-HJ-NPR-Z0-9]{17}", re.ASCII)
_BEFORE_1981 = re.compile(r"[A-Z0-9]{5,16}", re.ASCII)


def parse_vin(text: str) -> str:
    """The VIN in capitals, without separators. Raises ValueError with a French sentence.

    Seventeen letters and digits without I, O and Q (ISO 3779). Vehicles built before 1981 bear shorter ones
    of any letters: 5 to 16 are accepted, so that a missing character goes unseen. The ninth position is no
    check digit in Europe and is not verified.
    """
    compact = _SEPARATORS.sub("", text)
    # Before the capitals: some letters outside ASCII would turn into plain ones.
    vin = compact.upper() if compact.isascii() else compact
    if _MODERN.fullmatch(vin) or _BEFORE_1981.fullmatch(vin):
        return vin
    if len(vin) == 17 and vin.isascii() and vin.isalnum():
        raise ValueError("Un VIN ne contient jamais I, O ou Q.")
    raise ValueError("Un VIN comporte 17 lettres ou chiffres (de 5 à 16 pour un véhicule d’avant 1981).")
