"""What several operations share; nothing here commits."""

from datetime import datetime
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError

from eprunes.accounts.models import Identity, IdentityKind, User
from eprunes.core.database import TenantSession
from eprunes.core.refusals import Refused


def add_user(
    session: TenantSession,
    user_id: UUID,
    email: str,
    name: str,
    as_of: datetime,
    *,
    fleet: bool,
    fines: bool,
    administrator: bool,
) -> None:
    """Add a user with an account that has no password yet."""
    session.add(
        User(
            organisation_id=session.organisation_id,
            id=user_id,
            email=email,
            display_name=name.strip(),
            fleet_right=fleet,
            fines_right=fines,
            is_administrator=administrator,
            created_at=as_of,
        )
    )
    session.flush()
    session.add(
        Identity(
            email=email,
            kind=IdentityKind.USER,
            organisation_id=session.organisation_id,
            user_id=user_id,
            created_at=as_of,
        )
    )


def normalised_email(email: str) -> str:
    """The address in the one form that is compared. Raises Refused when it is not one, or no mail reaches it."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"«\u00a0{email}\u00a0» n’est pas une adresse e-mail valable.", "email") from error
    if checked.ascii_email is None:
        sentence = "Pas de lettre accentuée avant l’arobase\u00a0: aucun e-mail ne parviendrait à cette adresse."
        raise Refused(sentence, "email")
    return checked.normalized.lower()


def taken(error: IntegrityError) -> Refused:
    """Why a unique address or number clashed; raises the error again when it was something else."""
    text = str(error.orig)
    if "identities" in text:
        return Refused("Cette adresse e-mail a déjà un compte.", "email")
    if "organisations" in text:
        return Refused("Un client porte déjà ce numéro.", "number")
    raise error
