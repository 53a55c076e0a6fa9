"""The administrator's journal: found by period, act, person and subject, in words, and taken out (C9-a, C11)."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from eprunes.accounts.services import users
from eprunes.admin.journal import ACTIONS
from eprunes.admin.journal_words import SUBJECTS, details_in_words
from eprunes.core import audit
from eprunes.core.audit import ActorKind, AuditEntry
from eprunes.core.audit_chain import chain_pending
from eprunes.core.audit_seals import read_anchor
from eprunes.core.audit_tables import AuditLink
from eprunes.core.calendar import PARIS
from eprunes.core.database import new_id, tenant_session
from eprunes.core.spreadsheets.reading import read_workbook
from eprunes.fleet.models import ExitReason
from tests.core.audit_worlds import rows_of
from tests.support.worlds import AS_OF, actor, open_session

PAGE, EXPORT, HEAD = (f"/administration/journal{end}" for end in ("", "/export.xlsx", "/empreinte.json"))
FROM = {"address": "192.0.2.7", "device": "Firefox sous Linux"}


@pytest.fixture
def boss(world, signed_in):
    return signed_in(world.admin)


def note(world, action, as_of=AS_OF, **options):
    with tenant_session(world.organisation_id, write=True) as session:
        audit.record(session, action, as_of=as_of, **options)


def lines(answer) -> list[list[str]]:
    """The table's rows, each cell as its text."""
    assert answer.status_code == 200
    body = answer.text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in rows
    ]


def acts(answer) -> list[str]:
    return [row[1] for row in lines(answer)]


def workbook(answer) -> list[dict]:
    assert answer.status_code == 200
    [sheet] = read_workbook(answer.data).sheets
    return [dict(zip(sheet.rows[0], row, strict=True)) for row in sheet.rows[1:]]


def test_an_entry_reads_in_french(world, boss):
    note(
        world,
        "vehicule.sorti",
        actor_id=actor(world.fleet).user_id,
        subject=("vehicule", new_id()),
        details={"le": "2026-03-02T23:00:00+00:00", "motif": ExitReason.SOLD},
        connection=FROM,
    )
    [row, *_] = lines(boss.get(PAGE))
    assert row[:4] == ["mar. 3 mars 2026, 10:00", "Véhicule sorti du parc", "parc", "Véhicule"]
    assert row[4] == "le\u00a0: mar. 3 mars 2026, 00:00 · motif\u00a0: Vendu ou cédé"
    assert row[5] == "192.0.2.7 · Firefox sous Linux"


def test_who_did_it_is_the_platform_the_provider_a_person_or_a_deleted_account(world, boss):
    """C9-a: the provider's acts are shown as its own; its staff is not named."""
    operator = users.create_operator(email="exploitant@exploitation.example", as_of=AS_OF)
    note(world, "visite.debut", actor_id=operator, actor_kind=ActorKind.OPERATOR, details={"motif": "Aide demandée"})
    note(world, "avis.recus", details={"nombre": 1200})
    note(world, "avis.rouvert", actor_id=new_id())
    note(world, "avis.designation", actor_id=actor(world.fines).user_id)
    found = {row[1]: row[2] for row in lines(boss.get(PAGE))}
    assert found["Visite d’un exploitant\u00a0: début"] == "L’exploitant"
    assert found["Avis reçus de l’ANTAI"] == "La plateforme"
    assert found["Avis rouvert"] == "Compte supprimé"
    assert found["Conducteur désigné"] == "contraventions"
    assert "exploitation.example" not in boss.get(PAGE).text


def test_the_people_whom_an_act_is_about_are_named_while_they_exist(world, boss):
    whom = actor(world.both).user_id
    note(world, "utilisateur.droits", subject=("utilisateur", whom), details={"parc": True, "contraventions": False})
    note(world, "utilisateur.supprime", subject=("utilisateur", new_id()))
    rows = {row[1]: row for row in lines(boss.get(PAGE))}
    assert rows["Droits changés"][3:5] == [
        "Utilisateur\u00a0: deux",
        "droit parc\u00a0: oui · droit contraventions\u00a0: non",
    ]
    assert rows["Utilisateur supprimé"][3] == "Utilisateur"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["Conducteur désigné", "Avis consulté", "Véhicule ajouté"]),
        ("?acte=avis.", ["Conducteur désigné", "Avis consulté"]),
        ("?acte=avis.consulte", ["Avis consulté"]),
        ("?objet=vehicule", ["Véhicule ajouté"]),
        ("?objet=avis&acte=avis.designation", ["Conducteur désigné"]),
        ("?du=2026-03-10", ["Conducteur désigné", "Avis consulté"]),
        ("?au=2026-03-09", ["Véhicule ajouté"]),
        ("?du=2026-03-11&au=2026-03-11", ["Conducteur désigné"]),
        ("?par=exploitant", []),
        ("?acte=inconnu&objet=inconnu&par=inconnu&du=demain&au=0001-01-01",
         ["Conducteur désigné", "Avis consulté", "Véhicule ajouté"]),
    ],
)  # fmt: skip
def test_the_journal_is_narrowed_by_its_address(world, boss, search, found):
    """Days are the client's: an instant belongs to the day that Paris shows, to the microsecond."""
    moment, midnight = timedelta(microseconds=1), AS_OF.replace(day=9, hour=23)
    note(world, "vehicule.ajoute", midnight - moment, subject=("vehicule", new_id()), actor_id=new_id())
    note(world, "avis.consulte", midnight, subject=("avis", new_id()), actor_id=new_id())
    note(world, "avis.designation", midnight + timedelta(days=1), subject=("avis", new_id()), actor_id=new_id())
    mine = {"Conducteur désigné", "Avis consulté", "Véhicule ajouté"}
    answer = boss.get(PAGE + search)
    assert [act for act in acts(answer) if act in mine] == found
    assert ("Aucune entrée ne correspond" in answer.text) is (not found)


def test_one_persons_acts_are_found(world, boss):
    whom = actor(world.fines).user_id
    note(world, "avis.designation", actor_id=whom)
    note(world, "avis.rouvert", actor_id=actor(world.both).user_id)
    assert acts(boss.get(f"{PAGE}?par={whom}")) == ["Conducteur désigné"]
    assert "Conducteur désigné" not in acts(boss.get(f"{PAGE}?par=plateforme"))
    assert len(workbook(boss.get(f"{EXPORT}?par={whom}"))) == 1


def test_long_journals_come_in_pages_that_keep_the_filters(world, boss):
    for minutes in range(85):
        note(world, "avis.consulte", AS_OF + timedelta(minutes=minutes), actor_id=new_id())
    note(world, "avis.rouvert", AS_OF + timedelta(days=1))
    first = boss.get(f"{PAGE}?acte=avis.consulte")
    assert (len(lines(first)), "85 entrées trouvées" in first.text) == (80, True)
    [after] = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = boss.get(after.replace("&amp;", "&"))
    assert (len(lines(second)), set(acts(second))) == (5, {"Avis consulté"})


def test_nothing_found_and_nothing_yet_read_differently(app, world, boss):
    assert "Aucune entrée ne correspond." in boss.get(f"{PAGE}?acte=avis.rouvert").text
    assert "Effacer la recherche et les filtres" in boss.get(f"{PAGE}?acte=avis.rouvert").text
    with tenant_session(world.organisation_id, write=True) as session:
        for model in (AuditLink, AuditEntry):
            session.execute(delete(model).where(model.organisation_id == world.organisation_id))
    assert "Rien n’a encore été noté." in boss.get(PAGE).text
    assert "Exporter ce que je vois" not in boss.get(PAGE).text


def test_the_address_is_no_longer_shown_once_its_year_is_over(world, boss, frozen, signed_in):
    """C11: whether the job ran or not."""
    note(world, "connexion", connection=FROM, actor_id=actor(world.fleet).user_id)
    assert FROM["address"] in boss.get(PAGE).text
    for later, shown in ((timedelta(days=365), True), (timedelta(days=366), False)):
        frozen.move_to(AS_OF + later)
        again = signed_in_at(world, AS_OF + later, boss)
        assert (FROM["address"] in again.get(PAGE).text) is shown
        assert (FROM["address"] in str(workbook(again.get(EXPORT)))) is shown


def signed_in_at(world, as_of, browser):
    name = browser.application.config["EPRUNES_SESSION_COOKIE"]
    browser.set_cookie(name, open_session(world.admin, as_of), domain="localhost")
    return browser


def test_the_export_holds_everything_found_and_is_itself_in_the_journal(world, boss):
    """C7-a, C9-a: everything found, not only the page."""
    whom, subject = actor(world.fleet).user_id, new_id()
    for minutes in range(90):
        note(world, "avis.consulte", AS_OF + timedelta(minutes=minutes), actor_id=whom, subject=("avis", subject))
    note(world, "vehicule.modifie", actor_id=whom, details={"champs": ["plate", "site"]}, connection=FROM)
    chain_pending(world.organisation_id)
    rows = workbook(boss.get(EXPORT))
    assert len(rows) == 95
    assert [row["N° dans la chaîne"] for row in rows if row["Acte"] == "Client créé"] == [1]
    [changed] = [row for row in rows if row["Acte"] == "Véhicule modifié"]
    assert changed["Précisions"] == "champs modifiés\u00a0: immatriculation, site"
    assert (changed["Adresse IP"], changed["Appareil"]) == (FROM["address"], FROM["device"])
    assert {row["Référence"] for row in rows if row["Acte"] == "Avis consulté"} == {str(subject)}
    assert len(workbook(boss.get(f"{EXPORT}?acte=avis.consulte&par={whom}"))) == 90
    exported = [one for one in rows_of(world.organisation_id, AuditEntry) if one.action == "journal.exporte"]
    filters = {"acte": "avis.consulte", "par": str(whom)}
    assert [one.details for one in exported] == [{"nombre": 95, "filtres": {}}, {"nombre": 90, "filtres": filters}]
    [row, *_] = lines(boss.get(f"{PAGE}?acte=journal.exporte"))
    assert row[4] == "nombre\u00a0: 90 · filtres (acte\u00a0: Avis consulté, par\u00a0: parc)"


def test_a_formula_in_an_address_stays_text(world, boss):
    """Attack: the device's name is what a stranger's browser says."""
    note(world, "connexion", connection={"address": "192.0.2.7", "device": '=HYPERLINK("http://x")'})
    assert '=HYPERLINK("http://x")' in [row["Appareil"] for row in workbook(boss.get(EXPORT))]
    assert "<f>" not in boss.get(EXPORT).data.decode("latin-1")


def test_the_export_asks_who_one_is(world, signed_in, frozen):
    boss = signed_in(world.admin)
    frozen.tick(timedelta(minutes=15))
    assert boss.get(EXPORT).status_code == 302
    assert boss.get(PAGE).status_code == 200


@pytest.mark.parametrize("path", [PAGE, EXPORT, HEAD])
def test_only_the_administrator_reads_the_journal(world, signed_in, path):
    """C3.2-a."""
    for email, status in ((world.fleet, 404), (world.fines, 404), (world.both, 404), (world.admin, 200)):
        assert signed_in(email).get(path).status_code == status


def test_the_signed_head_is_a_file_to_keep(world, boss):
    """C9-a: a chain alone misses a cut tail."""
    answer = boss.get(HEAD)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="empreinte-du-journal.json"'
    signed = read_anchor(answer.data)
    assert signed.is_genuine
    assert (signed.organisation_id, str(signed.day)) == (world.organisation_id, "2026-03-03")
    assert signed.seq == len(rows_of(world.organisation_id, AuditEntry))
    assert "à garder chez vous" in boss.get(PAGE).text


def test_one_client_reads_nothing_of_anothers_journal(world, other_world, boss):
    note(other_world, "avis.designation", actor_id=actor(other_world.fines).user_id, connection=FROM)
    theirs = rows_of(other_world.organisation_id, AuditEntry)
    assert "Conducteur désigné" not in acts(boss.get(PAGE))
    assert FROM["address"] not in str(workbook(boss.get(EXPORT)))
    assert boss.get(f"{PAGE}?par={actor(other_world.fines).user_id}").text.count("<tr>") == 0
    assert acts(boss.get(f"{PAGE}?page={theirs[0].id}")) == acts(boss.get(PAGE))


@pytest.mark.parametrize(
    ("action", "details", "told"),
    [
        ("avis.impossibilite", {"motif": "vol"}, "motif\u00a0: Véhicule volé"),
        ("avis.exportes", {"vue": "a-traiter", "nombre": 3}, "vue\u00a0: À traiter · nombre\u00a0: 3"),
        ("contrat.fin", {"fin": "2026-09-25"}, "dernier jour\u00a0: ven. 25 sept. 2026"),
        ("bon_de_commande.nouveau", {"outils": ["fleet", "fines"]}, "outils\u00a0: parc, contraventions"),
        ("visite.page", {"page": "fines.notice_page", "notice_id": str(new_id())}, "page\u00a0: avis de contravention"),
        ("visite.debut", {"motif": "Aide demandée"}, "motif\u00a0: Aide demandée"),
        ("parc.importe", {"vehicules": {"lues": 4, "creees": 0}}, "véhicules (lues\u00a0: 4, créées\u00a0: 0)"),
        ("attribution.creee", {"attribution": str(new_id()), "conducteur": str(new_id()), "au": None}, ""),
        ("essai", {"code_inconnu": "valeur_inconnue.ici"}, "code inconnu\u00a0: valeur inconnue ici"),
        ("essai", {"vide": {}, "rien": [], "texte": ""}, ""),
    ],
)
def test_details_are_told_without_codes_nor_ids(action, details, told):
    assert details_in_words(action, details, PARIS, lambda one: None) == told


def recorded_actions() -> set[str]:
    """Every act that the program's text records by a plain name."""
    found = set()
    for path in Path("eprunes").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute | ast.Name):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
            if name not in ("record", "_record", "trace", "_trace"):
                continue
            texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            found |= {one for one in texts if re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", one)}
    return found


def test_every_act_that_the_program_records_has_its_words():
    found = recorded_actions()
    assert {"avis.consulte", "journal.exporte", "utilisateur.cree", "vehicule.sorti"} <= found
    assert found - set(ACTIONS) == set()


def test_every_subject_that_the_program_records_has_its_words():
    sources = "\n".join(path.read_text() for path in Path("eprunes").rglob("*.py"))
    kinds = set(re.findall(r'(?:subject(?:=|": )|, )\("([a-z_]+)", [a-z_.]*id\)', sources))
    assert {"avis", "vehicule", "conducteur", "utilisateur"} <= kinds
    assert kinds - set(SUBJECTS) == set()
