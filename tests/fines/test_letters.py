"""Answers by registered letter, and the neutral file of the answers: what they say, and who has them."""

import re
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest
from sqlalchemy import select, update

from eprunes.core import wording
from eprunes.core.database import tenant_session
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events, inbox, transmission
from eprunes.fines.answering import ImpossibilityReason
from eprunes.fines.channels import channel_of, channels_of
from eprunes.fines.inbox_filters import NoticeSearch
from eprunes.fines.models import Channel, Notice, NoticeCount
from eprunes.fines.paper import answer_files, letter_pages
from eprunes.fines.paper.letter_pages import Head
from eprunes.fines.paper.letters import FALSE_DECLARATION, is_printable, printable
from eprunes.fines.services import designating, posting, typing_in
from eprunes.fleet.models import DriverKind
from tests.fines.test_typing_in import NUMBER, TYPED
from tests.support import fleet
from tests.support.answers import Answered
from tests.support.worlds import AS_OF, actor

HEAD = Head("3 rue du Port\n29000 Quimper", "Centre des amendes\n35000 Rennes", "Quimper", "Anne Le Goff, gérante")
SALE = ImpossibilityReason.SALE
RECEIPT = {"receipt_number": "1a 123 456 789 0123", "posted_on": AS_OF.date()}


def pdf_text(content: bytes) -> str:
    """What a PDF of ours shows, a line of the file each."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    drawn = b"\n".join(zlib.decompress(one) for one in streams if one[:1] == b"\x78")
    strings = re.findall(rb"\(((?:\\.|[^\\)])*)\)\s*Tj", drawn)
    return "\n".join(re.sub(rb"\\([()\\])", rb"\1", one).decode("windows-1252") for one in strings)


def words(text: str) -> str:
    """On one line, however it was broken."""
    return " ".join(text.split())


def designate(world, notice_id, details=fleet.NOEL, channel=Channel.LETTER):
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": details, "keep_in_fleet": False}
    designating.designate(actor(world.fines), notice_id, **named, channel=channel, as_of=AS_OF)


@pytest.fixture
def letter(world) -> Answered:
    """A notice typed in, whose answer is a letter to post."""
    notice_id = typing_in.type_in(actor(world.fines), TYPED, as_of=AS_OF)
    designate(world, notice_id)
    return Answered(world, notice_id, NUMBER)


def printed(world, notice_ids, head=HEAD) -> str:
    with tenant_session(world.organisation_id) as session:
        content = posting.print_letters(actor(world.admin), session, notice_ids, head=head, as_of=AS_OF)
    return pdf_text(content)


@pytest.mark.parametrize(
    ("source", "sent_on", "channels"),
    [
        ("saisie", None, (Channel.LETTER,)),
        ("import", date(2026, 3, 1), (Channel.LETTER,)),
        ("flux_antai", None, (Channel.AGENCY,)),
        ("flux_antai", date(2026, 3, 1), (Channel.AGENCY, Channel.LETTER)),
    ],
)
def test_what_came_on_paper_is_answered_by_letter(source, sent_on, channels):
    notice = Notice(source=source, sent_on=sent_on)
    assert channels_of(notice) == channels
    assert channel_of(notice, "n'importe") == channels[0]
    assert channel_of(notice, channels[-1]) == channels[-1]


def test_a_typed_notice_never_goes_to_the_agency_and_others_by_post_only_once_their_paper_came(world):
    typed = typing_in.type_in(actor(world.fines), TYPED, as_of=AS_OF)
    sent = fleet.receive_notice(world.organisation_id, posted_at=AS_OF)
    for notice_id, channel in ((typed, Channel.AGENCY), (sent, Channel.LETTER)):
        with pytest.raises(Refused, match="lettre"):
            designate(world, notice_id, channel=channel)
    typing_in.note_paper(actor(world.fines), sent, sent_on=AS_OF.date(), as_of=AS_OF)
    designate(world, sent)
    designate(world, typed)
    assert transmission.claim_next(world.organisation_id, AS_OF + timedelta(days=1)) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Noëlig ŒUVRÉ, l’été «\u00a0à 10\u202f€\u00a0» – ß", "Noëlig ŒUVRÉ, l’été «\u00a0à 10\u00a0€\u00a0» – ß"),
        ("Wałęsa Đoković Ştefan", "Walesa Dokovic Stefan"),
        ("Иван", "[?][?][?][?]"),
    ],
)
def test_a_letter_the_typeface_lacks_is_replaced_in_plain_sight(text, shown):
    assert printable(text) == shown
    assert is_printable(text) == (text[0] == "N")


def test_the_letter_says_all_that_the_law_asks_for(letter):
    """A. 121-1 1°: identity, address, licence; and the warning on false declarations."""
    text = words(printed(letter.world, [letter.notice_id]))
    for said in (
        "Client 0", "SIREN 732829320", "3 rue du Port", "Centre des amendes", "Quimper, le 3 mars 2026",
        f"avis de contravention n° {NUMBER}", "daté du 20 février 2026", "le 14 février 2026 à 08:05", "BC-234-DE",
        "A6 PR 12+300, 94150 Rungis", "L. 121-6", "M QUATREMARE", "Noëlig", "29/02/1980",
        "12 rue des Lilas-Pourpres, 44000 Nantes", "n° 210692106990, délivré le 04/05/1999", "Préposé (salarié)",
        FALSE_DECLARATION, "Anne Le Goff, gérante", "formulaire joint à l’avis",
    ):  # fmt: skip
        assert said in text
    assert "*" not in text


def test_a_name_from_elsewhere_is_marked_for_the_hand_and_blanks_stay_blank(world):
    notice_id = typing_in.type_in(actor(world.fines), TYPED, as_of=AS_OF)
    designate(world, notice_id, replace(fleet.NOEL, last_name="Wałęsa"))
    text = printed(world, [notice_id], Head())
    assert "M WALESA *" in text
    assert "complétez à la main" in words(text)
    assert "adresse indiquée sur l’avis" in text


def test_an_impossibility_is_written_with_its_reason_facts_and_papers(world):
    notice_id = typing_in.type_in(actor(world.fines), TYPED, as_of=AS_OF)
    papers = [designating.Proof(one, f"CERFA {one[:4]}", date(2026, 2, 1)) for one in SALE.requirements.proofs]
    told = {"reason": SALE, "comment": "Vendu le 1er février.", "proofs": papers, "channel": Channel.LETTER}
    designating.report_impossibility(actor(world.fines), notice_id, **told, as_of=AS_OF)
    text = words(printed(world, [notice_id]))
    assert "Véhicule vendu ou cédé" in text
    assert "Vendu le 1er février." in text
    assert "Déclaration de cession (CERFA Décl, 01/02/2026)" in text


def test_the_letter_is_the_administrator_s_alone(letter, other_world, signed_in):
    """C4.3-f, decision 1: not its author's, nor another client's."""
    world, path = letter.world, f"/contraventions/{letter.notice_id}/lettre-postee"
    chosen = {"avis": str(letter.notice_id)}
    for browser in (signed_in(world.fines), signed_in(other_world.admin)):
        assert browser.get(path).status_code == 404
        assert browser.post("/contraventions/lettres.pdf", data=chosen).status_code in (404, 422)
    boss = signed_in(world.admin)
    answer = boss.post("/contraventions/lettres.pdf", data=chosen | {"place": "Brest"})
    assert answer.mimetype == "application/pdf"
    assert "QUATREMARE" in pdf_text(answer.data)
    assert boss.post("/contraventions/lettres.pdf", data={"avis": "x"}).status_code == 422
    stranger = actor(world.fines)
    with pytest.raises(NotVisible):
        posting.note_posted(stranger, letter.notice_id, **RECEIPT, as_of=AS_OF)


def test_a_letter_waits_in_the_list_until_it_is_posted_and_then_is_the_answer(letter, signed_in):
    """C4.3-c: it is never silently late: it waits on top of the administrator's list with its deadline."""
    browser = signed_in(letter.world.admin)
    assert letter.answer.state == "a_poster"
    page = browser.get("/contraventions/lettres").text
    assert f"n° {NUMBER}" in page
    assert "jeu. 9 avr. 2026" in page

    path = f"/contraventions/{letter.notice_id}/lettre-postee"
    for wrong in (
        {"receipt_number": "1A", "posted_on": "2026-03-03"},
        {"receipt_number": "1A1234567890123", "posted_on": "2026-03-02"},
        {"receipt_number": "1A1234567890123", "posted_on": "2026-03-04"},
    ):
        assert browser.post(path, data=wrong).status_code == 422
    right = {"receipt_number": "1a 123 456 789 0123", "posted_on": "2026-03-03"}
    assert browser.post(path, data=right).status_code == 302

    answer = letter.answer
    assert (answer.state, answer.receipt_number) == ("enregistree", "1A1234567890123")
    assert answer.receipt_at == datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert letter.facts()[-1] == events.POSTED
    assert browser.post(path, data=right).status_code == 422
    page = browser.get("/contraventions/lettres").text
    assert "Aucune lettre à poster" in page
    assert "1A1234567890123" in page
    assert "Lettre postée" in browser.get(f"/contraventions/{letter.notice_id}").text


@pytest.mark.parametrize(("days", "tone"), [(16, ""), (15, "row-warn"), (5, "row-bad"), (-1, "row-bad")])
def test_a_letter_to_post_has_its_own_last_day_in_the_lists_and_once_posted_the_day_of_the_answer(
    letter, signed_in, days, tone
):
    """C4.3-c: until it is posted the notice is without an answer for the law."""
    world, boss, day = letter.world, actor(letter.world.admin), AS_OF.date() + timedelta(days=days)
    own = Notice.organisation_id == world.organisation_id, Notice.id == letter.notice_id
    with tenant_session(world.organisation_id, write=True) as session:
        session.execute(update(Notice).where(*own).values(sent_on=day - timedelta(days=45), deadline_on=day))
    with tenant_session(world.organisation_id) as session:
        [row] = inbox.read_inbox(session, boss, NoticeSearch(), "", AS_OF).pinned
    assert (row.tone, row.closes_on) == (tone, None)
    browser, sent, told = (
        signed_in(world.admin),
        "/contraventions?vue=transmises",
        f"à poster au plus tard le {wording.day(day)}",
    )
    for page in (browser.get(path).text for path in ("/contraventions", sent)):
        assert told in page
        assert "répondu le" not in page
    shown = browser.get(f"/contraventions/{letter.notice_id}").text  # 8 March is a Sunday
    assert ("n’est pas ouvré (dimanche)" in shown, "est dépassée, postez-la" in shown) == (days == 5, days < 0)
    posting.note_posted(boss, letter.notice_id, **RECEIPT, as_of=AS_OF)
    page = browser.get(sent).text
    assert 'data-label="Réponse"' in page
    assert "répondu le mar. 3 mars 2026" in page
    assert "à poster au plus tard" not in page


@pytest.mark.parametrize("days", [0, 1])
def test_a_letter_counts_as_an_answer_from_the_day_of_its_posting_and_in_time_up_to_the_last_day(letter, days):
    """C9-b: a letter that nobody posted answers nothing."""
    world = letter.world
    notice = fleet.notice(world.organisation_id, letter.notice_id)
    posted_on = notice.deadline_on + timedelta(days=days)
    cell = NoticeCount.received, NoticeCount.designated, NoticeCount.in_time, NoticeCount.answer_days
    query = select(*cell).where(NoticeCount.organisation_id == world.organisation_id)
    with tenant_session(world.organisation_id) as session:
        assert session.execute(query).one() == (1, 0, 0, 0)
    receipt = RECEIPT | {"posted_on": posted_on}
    posting.note_posted(actor(world.admin), letter.notice_id, **receipt, as_of=AS_OF + timedelta(days=60))
    with tenant_session(world.organisation_id) as session:
        assert session.execute(query).one() == (1, 1, 1 - days, (posted_on - notice.posted_on).days)


def test_the_neutral_file_has_its_columns_and_only_the_answers_of_its_days(letter, signed_in):
    """C7-a; antai.md 2.6: UTF-8 with its mark, semicolons, JJ/MM/AAAA; nothing for those who see no answer."""
    world = letter.world
    other = fleet.receive_notice(world.organisation_id, posted_at=AS_OF)
    told = {"reason": ImpossibilityReason.FORCE_MAJEURE, "comment": "Réquisition.", "proofs": []}
    later = AS_OF + timedelta(days=1)
    designating.report_impossibility(actor(world.fines), other, **told, as_of=later)
    browser = signed_in(world.admin)

    content = browser.get("/contraventions/reponses.csv?since=2026-03-03&until=2026-03-03").data
    lines = content.decode("utf-8-sig").splitlines()
    assert content.startswith(b"\xef\xbb\xbf")
    assert lines[0].startswith("numero_avis;date_avis;immatriculation;pays_immat;date_heure_infraction;type_reponse;")
    assert lines[0].endswith(";raison_sociale;siret;piece_jointe")
    assert len(lines) == 2
    assert lines[1].startswith(
        f"{NUMBER};20/02/2026;BC234DE;FR;14/02/2026 08:05;designation;;M;Quatremare;;Noëlig;29/02/"
    )
    book = openpyxl.load_workbook(BytesIO(browser.get("/contraventions/reponses.xlsx").data)).active
    assert [row[5].value for row in book.iter_rows(min_row=2)] == ["designation", "impossibilite"]
    waiting = browser.get("/contraventions/reponses.csv?to_post=y").data.decode("utf-8-sig").splitlines()
    assert [line.split(";")[5] for line in waiting[1:]] == ["designation"]
    with tenant_session(world.organisation_id) as session:
        assert answer_files.answers_sheet(actor(world.fines), session, as_of=AS_OF).rows == []
    assert signed_in(world.fines).get("/contraventions/reponses.csv").status_code == 404
    for asked, why in (("since=2026-02-29", "date"), ("since=2026-03-03&until=2026-03-02", "avant le premier")):
        for kind in ("csv", "xlsx"):
            told = browser.get(f"/contraventions/reponses.{kind}?{asked}", follow_redirects=True)
            assert (told.mimetype, "Période refusée" in told.text, why in told.text) == ("text/html", True, True)


def test_what_waits_is_found_by_one_condition(letter):
    """What alerts and pinned lines ask."""
    with tenant_session(letter.world.organisation_id) as session:
        boss = actor(letter.world.admin)
        assert [one.row.notice.id for one in letter_pages.letters_to_post(boss, session, AS_OF)] == [letter.notice_id]
        assert letter_pages.letters_to_post(actor(letter.world.fines), session, AS_OF) == []


def test_the_administrators_home_says_by_when_the_first_letter_must_be_posted(letter, signed_in, frozen):
    """C4.3-f: and nobody else's."""
    world, last = letter.world, fleet.notice(letter.world.organisation_id, letter.notice_id).deadline_on
    told = f"lettre à poster, au plus tard le {wording.day(last)}"
    assert told in signed_in(world.admin).get("/").text
    assert "à poster" not in signed_in(world.fines).get("/").text
    earlier = replace(TYPED, number="60123456789013", sent_on=TYPED.sent_on - timedelta(days=1))
    first = typing_in.type_in(actor(world.fines), earlier, as_of=AS_OF)
    designate(world, first)
    day = wording.day(last - timedelta(days=1))
    assert f"lettres à poster, la première au plus tard le {day}" in signed_in(world.admin).get("/").text
