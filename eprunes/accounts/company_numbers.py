"""The number that identifies a client (*SIREN, SIRET, RIDET, TAHITI*): checked in form, never looked up.

A number that passes may still belong to nobody. Forms:
- SIREN 9 digits and SIRET 14 digits, with their check digit (La Poste's establishments have a rule apart);
- RIDET, New Caledonia (arrêté 83-661/CG): RID of 7 digits, followed for an establishment by 3 digits. Leading
  zeros are often left out when it is written, and are put back here;
- TAHITI, French Polynesia (arrêté 1025/CM of 1986): 6 digits, or a letter and 5 digits since October 2011,
  followed for an establishment by 3 digits.
Neither of the last two has a check digit that is public, so only their form is checked.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.fr import siren, siret
from stdnum.util import clean


class CompanyNumberKind(StrEnum):
    """The register that gave the number (*type d'identifiant*)."""

    SIREN = "siren"
    SIRET = "siret"
    RIDET = "ridet"
    TAHITI = "tahiti"


class InvalidCompanyNumber(ValueError):
    """The text is no company number; the message is a French sentence for the user."""


@dataclass(frozen=True)
class CompanyNumber:
    """A company number (*numéro d'entreprise*): `value` is in capitals, without separators."""

    kind: CompanyNumberKind
    value: str

    @property
    def siren(self) -> str | None:
        """The nine digits of the legal person, None for the registers that have no SIREN."""
        if self.kind in (CompanyNumberKind.SIREN, CompanyNumberKind.SIRET):
            return self.value[:9]
        return None


_RID = re.compile(r"\d{6,7}", re.ASCII)
_RIDET = re.compile(r"\d{9,10}", re.ASCII)
_TAHITI = re.compile(r"[A-Z0-9]\d{5}(\d{3})?", re.ASCII)


def parse_company_number(text: str, kind: CompanyNumberKind | None = None) -> CompanyNumber:
    """Read a company number, separators allowed. Without `kind` only SIREN and SIRET are recognised.

    RIDET and TAHITI have to be asked for by `kind`: nine digits could be any of three registers.
    Raises InvalidCompanyNumber.
    """
    # Python-stdnum turns every Unicode space, dash, dot and full-width digit into its plain form first.
    value = re.sub(r"\s", "", clean(text, " .-/_")).upper()
    if not value:
        raise InvalidCompanyNumber("Indiquez le numéro de l’entreprise.")
    if kind is None:
        kind = _kind_by_length(value)
    return CompanyNumber(kind, _CHECKS[kind](value))


def _kind_by_length(value: str) -> CompanyNumberKind:
    if len(value) == 9:
        return CompanyNumberKind.SIREN
    if len(value) == 14:
        return CompanyNumberKind.SIRET
    raise InvalidCompanyNumber("Indiquez un SIREN (neuf chiffres) ou un SIRET (quatorze chiffres).")


def _check_siren(value: str) -> str:
    try:
        return siren.validate(value)
    except InvalidChecksum:
        raise InvalidCompanyNumber("Ce SIREN est erroné\u00a0: sa clé de contrôle ne correspond pas.")
    except ValidationError:
        raise InvalidCompanyNumber("Un SIREN comporte neuf chiffres.")


def _check_siret(value: str) -> str:
    try:
        return siret.validate(value)
    except InvalidChecksum:
        raise InvalidCompanyNumber("Ce SIRET est erroné\u00a0: sa clé de contrôle ne correspond pas.")
    except ValidationError:
        raise InvalidCompanyNumber("Un SIRET comporte quatorze chiffres.")


def _check_ridet(value: str) -> str:
    if _RID.fullmatch(value):
        return value.zfill(7)
    if _RIDET.fullmatch(value):
        return value.zfill(10)
    raise InvalidCompanyNumber(
        "Un numéro RIDET comporte sept chiffres, ou dix avec le numéro d’établissement (exemple\u00a0: 0123456.001)."
    )


def _check_tahiti(value: str) -> str:
    if _TAHITI.fullmatch(value):
        return value
    raise InvalidCompanyNumber(
        "Un numéro TAHITI comporte six chiffres, ou une lettre et cinq chiffres, "
        "suivis de trois chiffres pour un établissement (exemple\u00a0: A12345-001)."
    )


_CHECKS = {
    CompanyNumberKind.SIREN: _check_siren,
    CompanyNumberKind.SIRET: _check_siret,
    CompanyNumberKind.RIDET: _check_ridet,
    CompanyNumberKind.TAHITI: _check_tahiti,
}
