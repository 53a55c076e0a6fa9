"""The answer forms in a browser's eyes: what they refuse, all at once, and what they offer after a refusal."""

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from eprunes.core.database import tenant_session
from eprunes.core.refusals import Refused
from eprunes.fines import transmission
from eprunes.fines.answering import FilingReason
from eprunes.fines.models import Answer, Notice
from eprunes.fines.services import filing, steps
from tests.fleet.fleets import add_driver
from tests.support import worlds
from tests.support.desk import designation_of, post_notice
from tests.support.worlds import AS_OF

ONE_CLICK = "Désigner Caroline DUMAS</button>"
REASON = "Le numéro de permis est inconnu."


@pytest.fixture
def browser(desk, signed_in):
    return signed_in(desk[0].fines)


@pytest.fixture
def refused(desk, browser):
    """The agency refused the designation of Caroline Dumas."""
    world, _, driver_id, notice_id = desk
    browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id))
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.refused(world.organisation_id, outgoing.answer_id, reason=REASON, as_of=AS_OF)
    return f"/contraventions/{notice_id}"


def answers(world) -> int:
    with tenant_session(world.organisation_id) as session:
        return len(session.scalars(select(Answer).where(Answer.organisation_id == world.organisation_id)).all())


def mark_in(answer) -> str:
    return re.search(r'name="vu" value="([0-9a-f]{64}(?:-tard)?)"', answer.text)[1]


def set_deadline(world, notice_id, day) -> None:
    """A paper sent 45 days before: its deadline is this day."""
    own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
    with tenant_session(world.organisation_id, write=True) as session:
        sent_on = day - timedelta(days=45)
        session.execute(update(Notice).where(*own).values(sent_on=sent_on, deadline_on=day))


@pytest.mark.parametrize(
    ("issued", "status"), [("2026-02-19", 302), ("2026-02-20", 302), ("2026-02-21", 422), ("2026-03-03", 422)]
)
def test_a_licence_issued_after_the_offence_is_refused(desk, browser, issued, status):
    world, _, driver_id, notice_id = desk
    typed = designation_of(driver_id, licence_issued_on=issued)
    answer = browser.post(f"/contraventions/{notice_id}/designer", data=typed)
    assert answer.status_code == status
    assert answers(world) == (status == 302)
    if status == 422:
        assert "Le permis ne peut pas être délivré après l’infraction, qui est du 20/02/2026." in answer.text
        assert 'id="licence_issued_on-error"' in answer.text


@pytest.mark.parametrize(("issued", "is_doubtful"), [("1999-12-31", True), ("2000-01-01", False)])
def test_a_licence_from_before_the_sixteenth_birthday_is_declared_after_a_second_look(
    desk,
    browser,
    issued,
    is_doubtful,
):
    """It may be right, a moped's for one; it never goes to the agency without having been pointed out."""
    world, _, driver_id, notice_id = desk
    path = f"/contraventions/{notice_id}/designer"
    typed = designation_of(driver_id, birth_date="1984-01-01", licence_issued_on=issued)
    answer = browser.post(path, data=typed)
    assert answer.status_code == (422 if is_doubtful else 302)
    assert ('name="licence_checked"' in answer.text) is is_doubtful
    if is_doubtful:
        assert answers(world) == 0
        assert "vérifiez la date sur le titre" in answer.text
        assert browser.post(path, data=typed | {"licence_checked": "y"}).status_code == 302
    assert answers(world) == 1


def test_a_doubtful_file_shows_its_doubt_before_anything_is_sent(desk, browser):
    world, _, _, notice_id = desk
    odd = add_driver(world, licence_issued_on=date(1990, 12, 28))
    page = browser.get(f"/contraventions/{notice_id}?conducteur={odd}").text
    assert 'name="licence_checked"' in page
    assert "Corriger ces renseignements" not in page, "they stand open"
    assert "Manque" not in page


def test_everything_that_is_wrong_in_a_designation_is_said_at_once(desk, browser):
    world, _, driver_id, notice_id = desk
    wrong = {"first_name": "😀 123", "last_name": "<i>", "address_line": "", "postcode": "123", "licence_number": "1"}
    wrong |= {"birth_date": "2020-01-01", "licence_issued_on": "2026-02-25"}
    answer = browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id, **wrong))
    assert answer.status_code == 422
    for field in wrong:
        assert f'id="{field}-error"' in answer.text, field
    assert "n’est pas un nom" in answer.text
    assert answers(world) == 0


def test_nothing_that_cannot_be_seen_is_declared(desk, browser):
    world, _, driver_id, notice_id = desk
    typed = {"last_name": "Du\x00mas\u202e", "city": "Saint-\u2066Gérard", "licence_number": "2691\x0034022100"}
    answer = browser.post(f"/contraventions/{notice_id}/designer", data=designation_of(driver_id, **typed))
    assert answer.status_code == 302
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    told = outgoing.snapshot["conducteur"]
    assert (told["last_name"], told["city"], told["licence_number"]) == ("Dumas", "Saint-Gérard", "269134022100")


def test_an_impossibility_keeps_its_lines_and_nothing_invisible(desk, browser):
    world, _, _, notice_id = desk
    typed = {"reason": "force_majeure", "comment": "Réqui\x00sition.\r\nDe la\u202e mairie."}
    assert browser.post(f"/contraventions/{notice_id}/impossible", data=typed).status_code == 302
    assert transmission.claim_next(world.organisation_id, AS_OF).snapshot["commentaire"] == (
        "Réquisition.\nDe la mairie."
    )


@pytest.mark.parametrize(
    ("natinf", "reason", "status"),
    [
        ("25386", "pas_d_obligation", 422),
        ("25386", "payee", 302),
        ("35273", "pas_d_obligation", 302),
        ("99999", "pas_d_obligation", 302),
    ],
)
def test_no_duty_is_no_reason_where_the_law_asks_for_a_designation(desk, browser, natinf, reason, status):
    """Only what the catalogue knows: an unknown NATINF may be filed so."""
    world, vehicle_id, *_ = desk
    notice_id = post_notice(world, vehicle_id, "2222222222", natinf=natinf, posted_at=AS_OF)
    answer = browser.post(f"/contraventions/{notice_id}/classer", data={"filing_reason": reason})
    assert answer.status_code == status
    if status == 422:
        assert "la loi vous impose de désigner le conducteur" in answer.text
        assert "Classé sans désignation" not in browser.get(f"/contraventions/{notice_id}").text


@pytest.mark.parametrize(
    ("changes", "is_asked"),
    [
        ({"last_name": "Autre", "first_name": "Zoé", "birth_date": "1970-01-01"}, True),
        ({"last_name": "Dumas-Autre"}, False),
        ({"birth_date": "1974-12-28"}, False),
        ({"last_name": "DUMAS", "first_name": "caroline"}, False),
    ],
)
def test_another_person_under_the_holder_s_file_wants_a_reason(desk, browser, changes, is_asked):
    """C4.3-c: a name alone, or a date alone, may have been mistyped in the file."""
    world, _, driver_id, notice_id = desk
    path, typed = f"/contraventions/{notice_id}/designer", designation_of(driver_id, **changes)
    answer = browser.post(path, data=typed)
    assert (answer.status_code, answers(world)) == ((422, 0) if is_asked else (302, 1))
    if is_asked:
        assert "ne sont pas ceux du conducteur choisi" in answer.text
        assert 'name="because"' in answer.text
        assert browser.post(path, data=typed | {"because": "Prêtée à sa collègue."}).status_code == 302


@pytest.mark.parametrize(("words", "status"), [("", 422), (" ", 422), ("Double d’un autre avis.", 302)])
def test_another_reason_is_told_in_words_that_stay_under_the_notice(desk, browser, words, status):
    typed = {"filing_reason": "autre", "comment": words}
    assert browser.post(f"/contraventions/{desk[3]}/classer", data=typed).status_code == status
    page = browser.get(f"/contraventions/{desk[3]}").text
    assert (words.strip() != "" and words in page) == ("Classée sans désignation" in page) == (status == 302)


@pytest.mark.parametrize("path", ["designer", "impossible"])
def test_a_deadline_that_passes_while_the_page_is_open_is_told_before_the_answer_is_taken(desk, browser, path):
    """An answer after the deadline is allowed, with the consequence said."""
    world, _, driver_id, notice_id = desk
    page = f"/contraventions/{notice_id}"
    typed = designation_of(driver_id) if path == "designer" else {"reason": "force_majeure", "comment": "Réquisition."}
    set_deadline(world, notice_id, AS_OF.date())
    in_time = {"vu": mark_in(browser.get(page))}
    with tenant_session(world.organisation_id, write=True) as session:
        own = Notice.organisation_id == world.organisation_id, Notice.id == notice_id
        session.execute(update(Notice).where(*own).values(deadline_on=AS_OF.date() - timedelta(days=1)))
    late = browser.post(f"{page}/{path}", data=typed | in_time)
    assert (late.status_code, answers(world)) == (422, 0)
    assert "est passée pendant que cette page était ouverte" in late.text
    assert "675\u00a0€" in late.text
    assert browser.post(f"{page}/{path}", data=typed | {"vu": mark_in(late)}).status_code == 302
    assert answers(world) == 1


@pytest.mark.parametrize(("path", "typed"), [("classer", {"filing_reason": "payee"}), ("designer", None)])
def test_who_comes_after_a_filing_sees_the_notice_as_it_is_now(desk, browser, monkeypatch, path, typed):
    """C4.3-e: not as it was when the request began."""
    world, _, driver_id, notice_id = desk
    colleague, notice_to_change = worlds.actor(world.admin), steps.notice_to_change

    def overtaken(*told):
        monkeypatch.setattr(steps, "notice_to_change", notice_to_change)
        filing.file_notice(colleague, notice_id, reason=FilingReason.PAID, as_of=AS_OF)
        raise Refused("Trop tard.")

    monkeypatch.setattr(steps, "notice_to_change", overtaken)
    late = browser.post(f"/contraventions/{notice_id}/{path}", data=typed or designation_of(driver_id))
    assert (late.status_code, "Trop tard." in late.text) == (422, True)
    assert "Classée sans désignation" in late.text


def test_a_contravention_is_not_filed_as_a_parking_fee(desk, browser):
    answer = browser.post(f"/contraventions/{desk[3]}/classer", data={"filing_reason": "fps"})
    assert (answer.status_code, "pas un forfait de post-stationnement" in answer.text) == (422, True)
    assert "payer ne dispense pas de désigner" in answer.text


def test_before_any_refusal_one_click_is_enough(desk, browser):
    page = browser.get(f"/contraventions/{desk[3]}").text
    assert ONE_CLICK in page
    assert 'name="send_again"' not in page


def test_after_a_refusal_the_details_are_open_with_the_agencys_sentence(refused, browser):
    page = browser.get(refused).text
    assert ONE_CLICK not in page
    assert "Envoyer la réponse corrigée" in page
    opened = page.split("Renseignements déclarés")[0].rsplit("<details", 1)[1]
    assert opened.startswith(" open>")
    assert page.count(REASON) == 3, "on top of the page, with the details, and in the thread"


def test_after_a_refusal_the_same_details_go_again_only_on_a_ticked_box(desk, refused, browser):
    world, _, driver_id, _ = desk
    answer = browser.post(f"{refused}/designer", data=designation_of(driver_id))
    assert answer.status_code == 422
    assert "L’ANTAI a refusé ces mêmes renseignements" in answer.text
    assert answers(world) == 1
    assert browser.post(f"{refused}/designer", data=designation_of(driver_id, send_again="y")).status_code == 302


def test_after_a_refusal_other_details_or_another_driver_go_at_once(desk, refused, browser):
    world, _, driver_id, _ = desk
    assert ONE_CLICK not in browser.get(f"{refused}?conducteur=nouveau").text
    corrected = designation_of(driver_id, licence_number="12AB34567")
    assert browser.post(f"{refused}/designer", data=corrected).status_code == 302
    assert answers(world) == 2


@pytest.mark.parametrize("action", ["designer", "impossible", "classer", "rouvrir"])
def test_a_reloaded_answer_leads_back_to_its_notice(desk, browser, action):
    notice_id = desk[3]
    answer = browser.get(f"/contraventions/{notice_id}/{action}")
    assert (answer.status_code, answer.location) == (302, f"/contraventions/{notice_id}")


@pytest.mark.parametrize("asked", ["cherche", "conducteur"])
def test_a_notice_is_shown_whatever_its_address_asks(desk, browser, asked):
    assert browser.get(f"/contraventions/{desk[3]}", query_string={asked: "a\x00\u202eb"}).status_code == 200
    for one in ("q", "vue", "tri", "page"):
        assert browser.get("/contraventions", query_string={one: "a\x00\u202e"}).status_code == 200
