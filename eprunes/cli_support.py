"""What the command groups share: plain refusals, and the client that a command is about."""

from functools import wraps

import click

from eprunes.accounts.models import Organisation
from eprunes.accounts.queries import organisation_by_number
from eprunes.core.refusals import Refused


def says_no_plainly(command):
    """Turn a refusal into one line on standard error and exit code 1."""

    @wraps(command)
    def wrapped(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except Refused as refusal:
            raise click.ClickException(str(refusal)) from refusal

    return wrapped


def find_organisation(number: str) -> Organisation:
    """The client with this SIREN, or a plain error."""
    organisation = organisation_by_number(number)
    if organisation is None:
        raise click.ClickException(f"Aucun client ne porte le numéro {number}.")
    return organisation
