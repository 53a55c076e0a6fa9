"""The command that imports a workbook: its preview, and with `--confirm` the import itself."""

from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson
from flask.cli import AppGroup

from eprunes.accounts.models import Organisation
from eprunes.cli_support import find_organisation, says_no_plainly
from eprunes.core import clock
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.sent import read_sent
from eprunes.fleet.importing.applying import FleetChanged, apply_import
from eprunes.fleet.importing.layouts import recognise
from eprunes.fleet.importing.mappings import remembered_by
from eprunes.fleet.importing.parsing import Parsed, parse
from eprunes.fleet.importing.preview import as_json, as_lines
from eprunes.fleet.importing.running import make_plan

import_group = AppGroup("import", help="Imports.")


@import_group.command("fleet")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organisation", "siren", required=True)
@click.option("--confirm", is_flag=True, help="Enregistrer l’import au lieu de seulement le montrer.")
@click.option("--json", "as_machine", is_flag=True, help="Répondre par une ligne JSON.")
@says_no_plainly
def import_fleet(file: Path, siren: str, confirm: bool, as_machine: bool):
    """Montrer ce que changerait un classeur du parc, et l'enregistrer avec --confirm."""
    organisation = find_organisation(siren)
    preview: dict = {}
    try:
        preview, parsed = _preview(organisation, file.read_bytes())
        if not as_machine:
            click.echo("\n".join(as_lines(preview)))
        if preview["is_over_quota"]:
            raise Refused(preview["quota"])
        if confirm:
            _apply(organisation, parsed, preview)
    except Refused as refusal:
        if as_machine:
            _echo_json(preview | {"applied": False, "refusal": str(refusal)})
        raise
    if as_machine:
        _echo_json(preview | {"applied": confirm})
    elif confirm:
        click.echo("Rien à modifier." if preview["is_empty"] else "Import enregistré.")


def _echo_json(content: dict) -> None:
    click.echo(orjson.dumps(content).decode())


def _preview(organisation: Organisation, content: bytes) -> tuple[dict, Parsed]:
    zone = ZoneInfo(organisation.zone)
    parsed = parse(recognise(read_sent(content), remembered_by(organisation.id)), zone)
    return as_json(make_plan(organisation.id, parsed, zone, clock.now())), parsed


def _apply(organisation: Organisation, parsed: Parsed, preview: dict) -> None:
    try:
        apply_import(
            organisation.id,
            parsed,
            ZoneInfo(organisation.zone),
            agreed=preview["digest"],
            new_drivers=preview["new_drivers"],
            author_id=None,
            as_of=clock.now(),
        )
    except FleetChanged:
        raise Refused("Le parc a changé pendant l’import\u00a0: rien n’a été enregistré, recommencez.")
