"""The administrator's journal: found by period, act, person and subject, in words, and taken out (C9-a, C11)."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from eprunes.accounts.services import users
from eprunes.accounts.services.signing_in import Outcome
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
from tests.fleet.fleets import add_driver, add_vehicle
from tests.support.desk import post_notice
from tests.support.worlds import AS_OF, actor, open_session

PAGE, EXPORT, HEAD = (f"/administration/journal{end}" for end in ("", "/export.xlsx", "/empreinte.json"))
FROM = {"address": "192.0.2.7", "device": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


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
    assert row[5] == "Firefox sur Linux · 192.0.2.7"


def test_who_did_it_is_the_platform_the_provider_a_person_or_a_deleted_account(world, boss):
    """C9-a: the provider's acts are shown as its own; its staff is told apart and not named."""
    operator = users.create_operator(email="exploitant@exploitation.example", as_of=AS_OF)
    note(world, "visite.debut", actor_id=operator, actor_kind=ActorKind.OPERATOR, details={"motif": "Aide demandée"})
    note(world, "avis.recus", details={"nombre": 1200})
    note(world, "avis.rouvert", actor_id=new_id())
    note(world, "avis.designation", actor_id=actor(world.fines).user_id)
    found = {row[1]: row[2] for row in lines(boss.get(PAGE))}
    assert found["Visite d’un exploitant\u00a0: début"] == f"L’exploitant (agent {operator.hex[-6:].upper()})"
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
        ("?du=10/03/2026&au=10/3/2026", ["Avis consulté"]),
        ("?du=&au=&acte=&par=&objet=", ["Conducteur désigné", "Avis consulté", "Véhicule ajouté"]),
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


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("?acte=inconnu", "«\u00a0inconnu\u00a0» n’est pas un acte du journal"),
        ("?objet=inconnu", "n’est pas un objet du journal"),
        ("?par=inconnu", "n’est personne du journal"),
        ("?du=demain", "«\u00a0demain\u00a0» n’est pas une date"),
        ("?du=31/02/2026", "n’est pas une date"),
        ("?au=22/11", "n’est pas une date"),
        ("?au=1/2/3/4", "n’est pas une date"),
        ("?au=99999999999999999999/1/1", "n’est pas une date"),
        ("?du=9999-12-31&au=0001-01-01", "«\u00a00001-01-01\u00a0» n’est pas une date"),
        ("?du=2026-03-04&au=2026-03-03", "La période finit avant de commencer."),
    ],
)
def test_a_filter_that_cannot_be_read_is_told_and_shows_nothing(world, boss, search, said):
    """Nothing rather than everything, on the page and in the file."""
    note(world, "avis.designation", actor_id=new_id())
    answer = boss.get(PAGE + search)
    assert said in answer.text
    assert "Cette recherche n’a pas été faite" in answer.text
    assert lines(answer) == []
    assert workbook(boss.get(EXPORT + search)) == []


def test_a_period_of_one_day_is_possible(world, boss):
    note(world, "avis.designation", actor_id=new_id())
    assert "Conducteur désigné" in acts(boss.get(f"{PAGE}?du=2026-03-03&au=2026-03-03"))


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
    assert {one.details["nombre"]: one.details["filtres"] for one in exported} == {95: {}, 90: filters}
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
    assert answer.headers["Content-Disposition"] == "attachment; filename=empreinte-du-journal.json"
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


@pytest.fixture
def known(world):
    """A vehicle, a driver and a notice of the client: (kind, id, how the administrator knows it, its page)."""
    vehicle, driver = add_vehicle(world, "FY-074-KE"), add_driver(world)
    notice = post_notice(world, vehicle, "8272760796")
    return [
        ("vehicule", "vehicle_id", vehicle, "Véhicule\u00a0: FY-074-KE", f"/vehicules/{vehicle}"),
        ("conducteur", "driver_id", driver, "Conducteur\u00a0: DUMAS Caroline", f"/conducteurs/{driver}"),
        ("avis", "notice_id", notice, "Avis\u00a0: n° 8272760796", f"/contraventions/{notice}"),
    ]


def test_an_entry_names_its_subject_as_the_administrator_knows_it_with_its_page(world, boss, known):
    """C9-a: whose file an operator opened, which vehicle somebody changed; the journal itself keeps the id alone."""
    for later, (kind, argument, reference, words, page) in enumerate(known, start=1):
        at = AS_OF + timedelta(days=later)
        about = {"page": "une.page", argument: str(reference)}
        note(world, "visite.page", at, actor_kind=ActorKind.OPERATOR, subject=("visite", new_id()), details=about)
        note(world, "avis.rouvert", at, subject=(kind, reference))
        search = f"?du={at.date()}&au={at.date()}"
        answer = boss.get(PAGE + search)
        assert [row[3] for row in lines(answer)] == [words, words]
        assert answer.text.count(f'href="{page}"') == 2
        rows = workbook(boss.get(EXPORT + search))
        assert [(row["Objet"], row["Référence"]) for row in rows] == [(words, str(reference))] * 2
    stored = str([one.details for one in rows_of(world.organisation_id, AuditEntry) if one.action == "visite.page"])
    assert not any(secret in stored for secret in ("FY-074-KE", "DUMAS", "8272760796"))


def test_a_subject_that_the_administrator_may_not_open_is_not_named(world, other_world, boss):
    """C4.1-b: another client's, or one that is gone."""
    foreign = add_vehicle(other_world, "FY-074-KE")
    for kind, reference in (("vehicule", foreign), ("conducteur", new_id()), ("avis", new_id())):
        note(world, "avis.rouvert", subject=(kind, reference))
    answer = boss.get(f"{PAGE}?acte=avis.rouvert")
    assert sorted(row[3] for row in lines(answer)) == ["Avis", "Conducteur", "Véhicule"]
    assert "FY-074-KE" not in answer.text


def test_every_cause_of_a_refused_sign_in_has_its_words():
    """No code reaches a reader."""
    for outcome in set(Outcome) - {Outcome.OPENED}:
        told = details_in_words("connexion.refusee", {"motif": str(outcome)}, PARIS, lambda one: None)
        assert told != f"motif\u00a0: {outcome}", outcome


@pytest.mark.parametrize(
    ("action", "details", "told"),
    [
        ("connexion.refusee", {"motif": "bloquee"}, "motif\u00a0: compte bloqué"),
        ("connexion.refusee", {"motif": "suspendue"}, "motif\u00a0: compte suspendu"),
        ("avis.impossibilite", {"motif": "vol"}, "motif\u00a0: Véhicule volé"),
        ("avis.correction", {"motif": "vol"}, "motif\u00a0: Véhicule volé"),
        ("avis.exportes", {"vue": "a-traiter", "nombre": 3}, "vue\u00a0: À traiter · nombre\u00a0: 3"),
        ("contrat.fin", {"fin": "2026-09-25"}, "dernier jour\u00a0: ven. 25 sept. 2026"),
        ("bon_de_commande.nouveau", {"outils": ["fleet", "fines"]}, "outils\u00a0: parc, contraventions"),
        ("visite.page", {"page": "fines.notice_page", "notice_id": str(new_id())}, "page\u00a0: avis de contravention"),
        ("visite.debut", {"motif": "Aide demandée"}, "motif\u00a0: Aide demandée"),
        (
            "parc.importe",
            {"vehicles": {"creees": 2}, "drivers": {"creees": 1}},
            "véhicules (créées\u00a0: 2) · conducteurs (créées\u00a0: 1)",
        ),
        ("parc.importe", {"vehicules": {"lues": 4, "creees": 0}}, "véhicules (lues\u00a0: 4, créées\u00a0: 0)"),
        ("attribution.annulee", {"motif": "erreur_de_saisie"}, "motif\u00a0: Erreur de saisie"),
        ("attribution.corrigee", {"motif": "rendu_par_erreur"}, "motif\u00a0: Rendu par erreur"),
        ("attribution.creee", {"source": "telephone"}, "source\u00a0: Téléphone"),
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
