"""What an import leaves behind: the journal of each vehicle and driver that it wrote, and their computed due dates."""

from datetime import date, datetime

from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.audit_tables import AuditLink
from eprunes.core.audit_verify import verify
from eprunes.core.database import tenant_session
from eprunes.fleet.importing.applying import apply_import
from eprunes.fleet.importing.running import make_plan
from eprunes.fleet.journal import read_journal
from eprunes.fleet.models import Assignment, Driver, DueDate, Vehicle
from tests.support.fleet_files import DRIVER, ENTRY, OTHER_DRIVER, PARIS, VEHICLE, paris, parsed, sheets
from tests.support.statements import statements_of
from tests.support.worlds import AS_OF, actor

MORNING, EVENING = datetime(2026, 1, 5, 8), datetime(2026, 1, 9, 18)  # noqa: DTZ001 - a cell has no zone
HELD = {"vehicles": [VEHICLE], "drivers": [DRIVER], "assignments": [["AB-123-CD", "E1", MORNING, None]]}
INSPECTED = [
    "Immatriculation",
    "Genre",
    "1re mise en circulation",
    "Date d’entrée",
    "Date de sortie",
    "Motif de sortie",
]


def agree(world, content, author_id=None):
    plan = make_plan(world.organisation_id, content, PARIS, AS_OF)
    agreed = {"agreed": plan.digest(), "new_drivers": plan.new_drivers, "author_id": author_id}
    apply_import(world.organisation_id, content, PARIS, **agreed, as_of=AS_OF)


def write(world, author_id=None, **rows):
    agree(world, parsed(sheets(**rows)), author_id)


def one(world, model):
    with tenant_session(world.organisation_id) as session:
        return session.scalars(select(model).where(model.organisation_id == world.organisation_id)).one()


def entries(world, action=None):
    query = select(AuditEntry).where(AuditEntry.organisation_id == world.organisation_id).order_by(AuditEntry.id)
    with tenant_session(world.organisation_id) as session:
        found = session.scalars(query).all()
    return [entry for entry in found if action in (None, entry.action)]


def journal(world, kind, subject_id):
    reader = actor(world.fleet)
    with tenant_session(world.organisation_id) as session:
        lines = read_journal(session, reader, kind, subject_id)
    return {line.words: (line.author, line.particulars) for line in lines}


def test_the_page_of_a_vehicle_tells_what_an_import_did_and_in_whose_name(world):
    write(world, author_id=actor(world.both).user_id, **HELD)
    told = journal(world, "vehicule", one(world, Vehicle).id)
    author = told["Attribué"][0]
    assert author not in ("", "la plateforme", "un compte supprimé")
    assert told["Véhicule ajouté au parc"] == (author, "par import")
    assert told["Attribué"] == (author, "DUMAS Caroline, depuis le lun. 5 janv. 2026, 08:00, par import")


def test_a_corrected_field_an_ended_hold_and_an_exit_are_told_before_and_after(world):
    write(world, **HELD)
    write(world, vehicles=[[*VEHICLE[:4], "Nantes"]], assignments=[["AB-123-CD", "E1", MORNING, EVENING]])
    told = journal(world, "vehicule", one(world, Vehicle).id)
    assert told["Fiche modifiée"][1] == "site, par import"
    ended = told["Fin d’attribution"][1]
    assert "au ven. 9 janv. 2026, 18:00" in ended
    assert "(auparavant\u00a0: DUMAS Caroline, depuis le lun. 5 janv. 2026, 08:00)" in ended
    write(world, vehicles=[["AB-123-CD", None, None, date(2026, 3, 1), None]])
    assert journal(world, "vehicule", one(world, Vehicle).id)["Sortie du parc"][1].endswith("24:00, par import")


def test_a_longer_hold_is_told_as_a_correction(world):
    write(world, **HELD | {"assignments": [["AB-123-CD", "E1", MORNING, EVENING]]})
    later = datetime(2026, 1, 12, 18)  # noqa: DTZ001
    write(world, assignments=[["AB-123-CD", "E1", MORNING, later]])
    [entry] = entries(world, "attribution.corrigee")
    assert entry.details == {
        "attribution": str(one(world, Assignment).id),
        "conducteur": str(one(world, Driver).id),
        "du": paris(2026, 1, 5, 8).isoformat(),
        "au": paris(2026, 1, 12, 18).isoformat(),
        "avant": {
            "conducteur": str(one(world, Driver).id),
            "du": paris(2026, 1, 5, 8).isoformat(),
            "au": paris(2026, 1, 9, 18).isoformat(),
        },
        "source": "import",
    }


def test_the_page_of_a_driver_tells_what_an_import_did(world):
    write(world, drivers=[DRIVER])
    write(world, drivers=[[*DRIVER[:6], "Agen"]])
    told = journal(world, "conducteur", one(world, Driver).id)
    assert {words: particulars for words, (_, particulars) in told.items()} == {
        "Conducteur ajouté": "par import",
        "Fiche modifiée": "par import",
    }


def test_an_unchanged_line_leaves_no_trace_of_its_own(world):
    write(world, **HELD)
    before = len(entries(world))
    write(world, **HELD)
    assert [entry.action for entry in entries(world)[before:]] == ["parc.import_sans_changement"]


def test_no_entry_names_anybody_or_any_plate(world):
    write(world, **HELD)
    write(world, vehicles=[[*VEHICLE[:4], "Nantes"]], drivers=[[*DRIVER[:6], "Agen"], OTHER_DRIVER])
    texts = " ".join(str(entry.details) for entry in entries(world))
    for secret in ("Dumas", "Caroline", "Marin", "AB-123-CD", "AB123CD", "Nantes", "Agen", "E1"):
        assert secret not in texts


def test_every_entry_of_an_import_has_its_link_in_the_chain(world):
    write(world, **HELD)
    own = AuditLink.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        linked = set(session.scalars(select(AuditLink.id).where(own)))
    assert {entry.id for entry in entries(world) if entry.action != "connexion"} <= linked
    assert len(entries(world, "attribution.creee")) == 1
    assert verify(world.organisation_id).fault is None


# Due dates


def inspected(left_at=None, because=None, registered=date(2024, 6, 14)):
    rows = [["AB-123-CD", "VP", registered, ENTRY, left_at, because]]
    return parsed([("Véhicules", [INSPECTED, *rows])])


def due(world):
    own = DueDate.organisation_id == world.organisation_id
    with tenant_session(world.organisation_id) as session:
        return {(one.kind, one.due_on, one.is_computed) for one in session.scalars(select(DueDate).where(own))}


def test_what_the_law_asks_of_an_imported_vehicle_is_there_at_once(world):
    """C4.2"""
    agree(world, inspected())
    assert due(world) == {("controle_technique", date(2028, 6, 14), True)}


def test_a_changed_date_moves_what_was_computed_from_it(world):
    agree(world, inspected())
    agree(world, inspected(registered=date(2025, 1, 10)))
    assert due(world) == {("controle_technique", date(2029, 1, 10), True)}


def test_an_imported_exit_asks_for_its_proofs_at_once(world):
    agree(world, inspected())
    agree(world, inspected(date(2026, 2, 1), "Vente"))
    assert {kind for kind, _, _ in due(world)} == {"preuve_de_sortie"}


def test_more_lines_ask_no_more_statements_of_the_database(world):
    def written(first, last):
        plates = [f"AB-{number:03}-CD" for number in range(first, last)]
        rows = [[plate, "VP", date(2024, 6, 14), ENTRY, None, None] for plate in plates]
        return statements_of(lambda: agree(world, parsed([("Véhicules", [INSPECTED, *rows])])))

    few, many = written(1, 3), written(3, 43)
    assert len(many) == len(few)
    assert len(due(world)) == 1
