"""The commands of the journal: check it, hand out its signed head, print the key that signs."""

import sys
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from flask.cli import AppGroup

from eprunes.accounts.models import Organisation
from eprunes.accounts.queries import living_organisations
from eprunes.cli_support import find_organisation, says_no_plainly
from eprunes.core import clock
from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_seals import SignedHead, public_key_text, read_anchor, sign_head, write_anchor
from eprunes.core.audit_verify import Fault, Report, verify
from eprunes.core.database import tenant_session
from eprunes.core.wording import counted, instant

audit_group = AppGroup("audit", help="Journal.")


@audit_group.command("verify")
@click.option("--organisation", "siren", help="SIREN d’un client\u00a0; tous sans cela.")
@click.option(
    "--anchor", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Empreinte remise plus tôt."
)
@says_no_plainly
def verify_journals(siren: str | None, anchor: Path | None):
    """Vérifier le journal d'un client ou de tous ; la première entrée fautive est nommée (code de sortie 1)."""
    held = read_anchor(anchor.read_bytes()) if anchor else None
    chosen = [find_organisation(siren)] if siren else living_organisations()
    if held and held.organisation_id not in {one.id for one in chosen}:
        raise click.ClickException("Cette empreinte n’est pas celle d’un journal à vérifier.")
    reports = [(one, verify(one.id, _of(held, one.id))) for one in chosen]
    for organisation, report in reports:
        click.echo(_verdict(organisation, report))
    if any(report.fault for _, report in reports):
        sys.exit(1)


@audit_group.command("head")
@click.option("--organisation", "siren", required=True)
@says_no_plainly
def print_head(siren: str):
    """Écrire l'empreinte signée du journal d'un client, à garder hors de la plateforme."""
    organisation = find_organisation(siren)
    chain_pending(organisation.id)
    with tenant_session(organisation.id) as session:
        click.echo(write_anchor(sign_head(session, clock.now())).decode(), nl=False)


@audit_group.command("public-key")
@says_no_plainly
def print_public_key():
    """Écrire la clé publique qui vérifie les empreintes (PEM)."""
    click.echo(public_key_text(), nl=False)


def _of(held: SignedHead | None, organisation_id: UUID) -> SignedHead | None:
    return held if held and held.organisation_id == organisation_id else None


def _verdict(organisation: Organisation, report: Report) -> str:
    who = f"{organisation.name} ({organisation.number})"
    if report.fault:
        return f"{who}\u00a0: JOURNAL ALTÉRÉ. {_named(report.fault, ZoneInfo(organisation.zone))}."
    parts = [
        counted(report.entries, "entrée chaînée", "entrées chaînées"),
        f"{report.pending} en attente",
        counted(report.seals, "empreinte signée", "empreintes signées"),
    ]
    return f"{who}\u00a0: journal intègre ({', '.join(parts)})."


def _named(fault: Fault, zone: ZoneInfo) -> str:
    place = "Entrée hors chaîne" if fault.seq is None else f"Entrée n° {fault.seq}"
    known = [str(fault.entry_id)] if fault.entry_id else []
    return ", ".join([place, *known, *_dated(fault.at, zone)]) + f"\u00a0: {fault.what}"


def _dated(at: datetime | None, zone: ZoneInfo) -> list[str]:
    return [f"du {instant(at, zone)}"] if at else []
