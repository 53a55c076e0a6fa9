"""The commands of `flask --app wsgi …`: clients, accounts, jobs."""

import sys
from datetime import datetime

import click
import orjson
from flask import Flask
from flask.cli import AppGroup

from eprunes.accounts.company_numbers import CompanyNumberKind
from eprunes.accounts.services import clients, second_factors, users
from eprunes.audit_commands import audit_group
from eprunes.cli_support import find_organisation, says_no_plainly
from eprunes.clock_process import JOBS, SCHEDULE
from eprunes.core import clock, jobs
from eprunes.fines import catalogue
from eprunes.import_commands import import_group

organisation_group = AppGroup("organisation", help="Clients et contrats.")
user_group = AppGroup("user", help="Comptes des utilisateurs.")
operator_group = AppGroup("operator", help="Comptes de l’exploitant.")
jobs_group = AppGroup("jobs", help="Tâches.")
catalogue_group = AppGroup("catalogue", help="Catalogue des infractions.")


def install(app: Flask) -> None:
    """Register every command group."""
    for group in (
        organisation_group,
        user_group,
        operator_group,
        jobs_group,
        import_group,
        catalogue_group,
        audit_group,
    ):
        app.cli.add_command(group)


def split_words(ctx, param, value: str) -> tuple[str, ...]:
    """Read a comma-separated option."""
    return tuple(word.strip() for word in value.split(",") if word.strip())


@organisation_group.command("create")
@click.option("--name", required=True)
@click.option("--siren", "number", required=True, help="SIREN ou SIRET (ou RIDET, TAHITI avec --kind).")
@click.option("--kind", type=click.Choice([kind.value for kind in CompanyNumberKind]))
@click.option("--admin-email", required=True)
@click.option("--admin-name", default="", help="Nom de la personne qui administrera.")
@click.option("--vehicles", type=int, required=True, help="Nombre de véhicules du bon de commande.")
@click.option("--tools", default="fleet,fines", callback=split_words)
@click.option("--zone", default="Europe/Paris", help="Fuseau horaire du client.")
@says_no_plainly
def create_organisation(name, number, kind, admin_email, admin_name, vehicles, tools, zone):
    """Créer un client, son bon de commande et son administrateur."""
    clients.create_organisation(
        name=name,
        number=number,
        number_kind=CompanyNumberKind(kind) if kind else None,
        admin_email=admin_email,
        admin_name=admin_name,
        vehicles=vehicles,
        tools=tools,
        zone=zone,
        as_of=clock.now(),
    )
    jobs.expect((job for job in SCHEDULE if job.legal), clock.now())
    click.echo(f"Client créé\u00a0: {name}.")
    click.echo(f"Posez le mot de passe\u00a0: flask --app wsgi user set-password {admin_email}")


@organisation_group.command("end")
@click.argument("siren")
@click.option("--on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Dernier jour du contrat.")
@says_no_plainly
def end_organisation(siren: str, on: datetime):
    """Fixer le dernier jour du contrat d'un client."""
    organisation = find_organisation(siren)
    clients.end_contract(organisation_id=organisation.id, on=on.date(), as_of=clock.now())
    click.echo(f"Contrat de {organisation.name}\u00a0: dernier jour le {on:%d/%m/%Y}, à 24:00 heure de Paris.")


@user_group.command("create")
@click.argument("email")
@click.option("--organisation", "siren", required=True)
@click.option("--rights", default="fleet,fines", callback=split_words)
@click.option("--name", default="")
@says_no_plainly
def create_user(email: str, siren: str, rights: tuple[str, ...], name: str):
    """Créer un utilisateur avec ses droits."""
    unknown = set(rights) - set(clients.TOOLS)
    if unknown:
        raise click.ClickException("Droits admis\u00a0: fleet, fines ou les deux.")
    users.create_user(
        organisation_id=find_organisation(siren).id,
        email=email,
        fleet="fleet" in rights,
        fines="fines" in rights,
        display_name=name,
        as_of=clock.now(),
    )
    click.echo(f"Utilisateur créé\u00a0: {email}.")


@user_group.command("set-password")
@click.argument("email")
@says_no_plainly
def set_password(email: str):
    """Poser un mot de passe, lu sur l'entrée standard."""
    users.set_password(email=email, password=sys.stdin.readline().rstrip("\r\n"), as_of=clock.now())
    click.echo(f"Mot de passe posé pour {email}.")


@operator_group.command("create")
@click.argument("email")
@says_no_plainly
def create_operator(email: str):
    """Créer un compte d'exploitant."""
    users.create_operator(email=email, as_of=clock.now())
    click.echo(f"Exploitant créé\u00a0: {email}.")


@operator_group.command("forget-second-factor")
@click.argument("email")
@says_no_plainly
def forget_second_factor(email: str):
    """Retirer le second facteur perdu d’un exploitant."""
    second_factors.remove_for_operator(email, clock.now())
    click.echo(f"Second facteur retiré\u00a0: {email} le posera de nouveau à sa prochaine connexion.")


@jobs_group.command("list")
def list_jobs():
    """Lister les tâches et leur rythme."""
    for job in SCHEDULE:
        rhythm = f"chaque jour à {job.daily_at:%H:%M}" if job.daily_at else f"toutes les {job.every}"
        click.echo(f"{job.name:24} {rhythm}")


@jobs_group.command("run")
@click.argument("name")
@click.option("--as-of", "as_of_text", help="Instant ISO 8601 avec fuseau, par exemple 2026-03-29T12:00+02:00.")
@says_no_plainly
def run_job(name: str, as_of_text: str | None):
    """Exécuter une tâche maintenant ; une ligne JSON rend compte."""
    if name not in JOBS:
        raise click.ClickException(f"Tâche inconnue\u00a0: {name}. Tâches\u00a0: {', '.join(JOBS)}.")
    try:
        as_of = clock.parse_instant(as_of_text) if as_of_text else clock.now()
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    result = jobs.run_job(JOBS[name], as_of)
    click.echo(orjson.dumps({"job": name, "as_of": as_of.isoformat(), **result}).decode())
    if result.get(jobs.FAILED):
        sys.exit(1)


@catalogue_group.command("load")
def load_catalogue():
    """Charger ou rafraîchir le catalogue des infractions livré avec le logiciel."""
    click.echo(f"Catalogue chargé\u00a0: {catalogue.load()} lignes.")
