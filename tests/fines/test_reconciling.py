"""A list of notice numbers held against what the platform knows: known, unknown, malformed, repeated; nothing kept."""

from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select

from eprunes.core.audit import AuditEntry
from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.core.spreadsheets.writing import Sheet, write_csv, write_workbook
from eprunes.fines.paper import reconciling
from eprunes.fines.paper.reconciling import Finding, counted_words, numbers_in, numbers_of_file
from eprunes.fines.services import typing_in
from tests.fines.test_letters import designate
from tests.fines.test_typing_in import NUMBER, TYPED, remember_destroyed
from tests.support.fleet_files import xlsx
from tests.support.worlds import AS_OF, actor


def test_a_pasted_list_is_cut_at_signs_and_at_spaces_only_between_whole_numbers():
    assert numbers_in(" 6012 3456 7890 \n\n1;2,3\t4\r\n") == ["6012 3456 7890", "1", "2", "3", "4"]
    assert numbers_in("601234567890 601234567891") == ["601234567890", "601234567891"]
    assert numbers_in("601234567890 60123456") == ["601234567890 60123456"]


def test_the_column_is_the_one_headed_so_and_what_excel_rounded_is_told():
    headed = [
        ["Liste", None],
        ["Plaque", "N° d’avis"],
        ["AB-123-CD", "0123456789"],
        ["x", 60123456789012],
        ["x", 10**15],
    ]
    assert numbers_of_file(xlsx([("Feuille", headed)]), "a.xlsx") == ["0123456789", "60123456789012", f"~{10**15}"]
    bare = write_workbook([Sheet("A", ["60123456789013"], [["60123456789012"]])])
    assert numbers_of_file(bare, "a.xlsx") == ["60123456789013", "60123456789012"]
    semicolons = write_csv(Sheet("A", ["Numéro", "Plaque"], [["60123456789012", "AB"]]))
    assert numbers_of_file(semicolons, "a.csv") == ["60123456789012"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "classeur"),
        (b"abc;def", "pas un classeur"),
        (b"%PDF-1.7 %%EOF", "classeur"),
        (b"x" * (reconciling.LARGEST_BYTES + 1), "dépasse 2"),
    ],
)
def test_a_file_that_is_no_list_is_refused_on_its_field(content, said):
    with pytest.raises(Refused, match=said) as refusal:
        numbers_of_file(content, "liste.xlsx")
    assert refusal.value.field == "file"


def test_each_number_is_told_by_what_its_reader_may_see(world, other_world):
    """C4.3-e, C4.3-f: answered or destroyed, a number is « déjà connu » and nothing else; another client's, unknown."""
    boss, someone = actor(world.admin), actor(world.fines)
    notice_id = typing_in.type_in(someone, TYPED, as_of=AS_OF)
    remember_destroyed(world, "999999999")
    theirs = "888888888"
    remember_destroyed(other_world, theirs)
    given = ["6012 3456 7890 12", NUMBER, "999999999", theirs, "12345678", "2" * 28, "~1000000000000000"]

    def told(who):
        with tenant_session(world.organisation_id) as session:
            lines = reconciling.reconcile(who, session, given, AS_OF)
        return [(one.finding, one.notice.id if one.notice else None) for one in lines]

    known, rest = (Finding.KNOWN, None), [(Finding.UNKNOWN, None), (Finding.MALFORMED, None), (Finding.UNKNOWN, None)]
    last = (Finding.MALFORMED, None)
    seen = (Finding.KNOWN, notice_id)
    assert told(someone) == [seen, (Finding.REPEATED, None), known, *rest, last]
    designate(world, notice_id)
    assert told(someone) == [known, (Finding.REPEATED, None), known, *rest, last]
    assert told(boss)[0] == seen
    for who, words in ((someone, reconciling.KNOWN_ONLY), (boss, reconciling.DESTROYED)):
        with tenant_session(world.organisation_id) as session:
            [gone] = reconciling.reconcile(who, session, ["999999999"], AS_OF)
        assert gone.told == words


def test_too_many_numbers_are_refused_and_as_many_as_may_be_are_not(world):
    with tenant_session(world.organisation_id) as session:
        most = [str(10**9 + one) for one in range(reconciling.MOST)]
        assert len(reconciling.reconcile(actor(world.fines), session, most, AS_OF)) == reconciling.MOST
        for wrong in ([], [*most, "1"]):
            with pytest.raises(Refused):
                reconciling.reconcile(actor(world.fines), session, wrong, AS_OF)


def test_the_page_leads_from_an_unknown_number_to_its_typing_and_to_a_workbook(world, signed_in):
    """No number in an address, in the journal, or kept."""
    browser = signed_in(world.fines)
    sent = {"numbers": "", "file": (BytesIO(f"N° avis\n{NUMBER}\n12".encode()), "liste.csv")}
    page = browser.post("/contraventions/rapprocher", data=sent).text
    assert "Saisir cet avis" in page
    assert [counted_words(Finding.KNOWN, 2), counted_words(Finding.REPEATED, 2)] == ["2 connus", "2 en double"]
    assert "Illisible" in page
    form = browser.post("/contraventions/saisir/numero", data={"number": NUMBER}).text
    assert f'value="{NUMBER}"' in form
    book = browser.post("/contraventions/rapprocher.xlsx", data={"numbers": f"{NUMBER};12"}).data
    rows = list(openpyxl.load_workbook(BytesIO(book)).active.values)
    assert [row[:2] for row in rows] == [("N° d’avis", "Résultat"), (NUMBER, "Inconnu"), ("12", "Illisible")]
    assert browser.post("/contraventions/rapprocher", data={"numbers": " "}).status_code == 422
    with tenant_session(world.organisation_id) as session:
        own = AuditEntry.organisation_id == world.organisation_id
        told = {one.action: one.details for one in session.scalars(select(AuditEntry).where(own))}
    assert told["avis.rapproches"] == {"nombre": 2}
