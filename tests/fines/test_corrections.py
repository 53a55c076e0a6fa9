"""Correcting a registered answer: the agency decides, one answer stands at any time, and nothing sent is edited."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import product
from threading import Barrier
from typing import NamedTuple

import orjson
import pytest

from eprunes.antai import messages
from eprunes.antai.client import AgencyClient, AlreadyAnswered, NothingHeld
from eprunes.antai.sending import send_due
from eprunes.core.refusals import NotVisible, Refused
from eprunes.fines import events, transmission
from eprunes.fines.answering import (
    OPEN_STATES,
    AnswerMove,
    AnswerState,
    IllegalMove,
    ImpossibilityReason,
    NoticeMove,
    NoticeState,
    move,
    move_notice,
)
from eprunes.fines.services import correcting, designating
from eprunes.fines.services.attachments import Sent
from eprunes.fines.services.designating import Proof
from eprunes.fleet.models import DriverKind
from tests.fines.test_beside_notices import file, kept
from tests.fines.test_counting import MARCH, counted
from tests.support import fleet, worlds
from tests.support.answers import Answered, answered_notice
from tests.support.desk import designation_of
from tests.support.papers import pdf
from tests.support.worlds import AS_OF

OTHER = replace(fleet.NOEL, last_name="Bergamote", first_name="Zoé")
DESIGNATION, IMPOSSIBILITY = "designation", "impossibilite"
THEFT, USURPATION = ImpossibilityReason.THEFT, ImpossibilityReason.PLATE_USURPATION
DESIGNATED, IMPOSSIBLE = [{MARCH: {"received": 1, what: 1, "in_time": 1}} for what in ("designated", "impossible")]
BACK = {AnswerMove.REFUSE, AnswerMove.SETTLE_REFUSED}


def correct(actor, notice_id, details=OTHER, as_of=AS_OF):
    named = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "details": details, "keep_in_fleet": False}
    correcting.correct(actor, notice_id, **named, because="", as_of=as_of)


def report(actor, notice_id, reason=THEFT, reference="PV-1", comment="", sent=None, as_of=AS_OF):
    proofs = [Proof(one, reference, date(2026, 1, 5), sent) for one in reason.requirements.proofs if reference]
    told = {"reason": reason, "comment": comment, "proofs": proofs, "supporting": None}
    correcting.correct_as_impossible(actor, notice_id, **told, as_of=as_of)


def register(world, receipt):
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    about = {"receipt_number": receipt, "receipt_at": AS_OF, "as_of": AS_OF}
    transmission.registered(world.organisation_id, outgoing.answer_id, **about)


@pytest.fixture
def registered(world):
    """A notice whose designation the agency has registered under ENR-1."""
    answered = Answered(world, fleet.receive_notice(world.organisation_id), "")
    answered.designate(AS_OF)
    register(world, "ENR-1")
    return answered


def states(answered):
    return [one.state for one in answered.answers()]


def test_a_page_that_shows_an_earlier_answer_corrects_nothing(world, registered):
    """C4.3-c: two pages of the same answer; the first correction is registered before the second is sent."""
    boss, [first] = worlds.actor(world.admin), registered.answers()
    correct(boss, registered.notice_id)
    register(world, "ENR-2")
    third = {"driver_id": None, "kind": DriverKind.EMPLOYEE, "keep_in_fleet": False, "because": "", "as_of": AS_OF}
    third |= {"details": replace(OTHER, city="Brest")}
    told = {"reason": ImpossibilityReason.FORCE_MAJEURE, "comment": "Réquisition.", "proofs": [], "supporting": None}
    for seen in (str(first.id), "?"):
        with pytest.raises(Refused, match="a changé depuis que cette page"):
            correcting.correct(boss, registered.notice_id, **third, seen=seen)
        with pytest.raises(Refused, match="a changé depuis que cette page"):
            correcting.correct_as_impossible(boss, registered.notice_id, **told, seen=seen, as_of=AS_OF)
    standing = next(one for one in registered.answers() if one.state == AnswerState.REGISTERED)
    correcting.correct(boss, registered.notice_id, **third, seen=str(standing.id))


def test_only_the_administrator_corrects_and_only_what_is_registered(world, registered):
    """C4.3-c, C4.3-f: neither what is on its way, nor what says the same, nor what has no answer."""
    boss = worlds.actor(world.admin)
    with pytest.raises(NotVisible):
        correct(worlds.actor(world.fines), registered.notice_id)
    with pytest.raises(Refused, match="la même chose"):
        correct(boss, registered.notice_id, fleet.NOEL)
    with pytest.raises(Refused, match="pas de réponse à corriger"):
        correct(boss, fleet.receive_notice(world.organisation_id))
    assert states(registered) == [AnswerState.REGISTERED]

    correct(boss, registered.notice_id)
    with pytest.raises(Refused, match="Une correction de cette réponse vient déjà"):
        correct(boss, registered.notice_id, replace(OTHER, city="Brest"))
    assert states(registered) == [AnswerState.CONFIRMED, AnswerState.REPLACED]
    assert fleet.notice(world.organisation_id, registered.notice_id).state == NoticeState.ANSWERED


def test_a_correction_names_what_it_replaces_and_one_that_is_refused_lets_it_stand_again(world, registered):
    """C4.3-c: the notice stays answered all along, so that it is never open by half."""
    correct(worlds.actor(world.admin), registered.notice_id)
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    body = orjson.loads(messages.answer_bytes(outgoing))
    assert (body["remplaceEnregistrement"], body["conducteur"]["nom"]) == ("ENR-1", "Bergamote")

    transmission.refused(world.organisation_id, outgoing.answer_id, reason="Délai dépassé.", as_of=AS_OF)
    notice = fleet.notice(world.organisation_id, registered.notice_id)
    assert states(registered) == [AnswerState.REFUSED, AnswerState.REGISTERED]
    assert (notice.state, notice.is_answered) == (NoticeState.ANSWERED, True)
    assert registered.facts()[-1] == events.CORRECTION_REFUSED

    correct(worlds.actor(world.admin), registered.notice_id)
    register(world, "ENR-2")
    assert states(registered) == [AnswerState.REGISTERED, AnswerState.REFUSED, AnswerState.REPLACED]


def test_an_answer_of_either_kind_is_corrected_by_one_of_either_kind(world, registered):
    """C4.3-c: each names the one that it replaces, says something else, and the figures follow."""
    boss = worlds.actor(world.admin)
    theft = {"reason": THEFT, "comment": "Volé la veille."}
    steps = [
        (IMPOSSIBILITY, IMPOSSIBLE, lambda: report(boss, registered.notice_id, **theft)),
        (IMPOSSIBILITY, IMPOSSIBLE, lambda: report(boss, registered.notice_id, **theft, reference="PV-2")),
        (IMPOSSIBILITY, IMPOSSIBLE, lambda: report(boss, registered.notice_id, USURPATION, reference="PV-2")),
        (DESIGNATION, DESIGNATED, lambda: correct(boss, registered.notice_id)),
    ]
    for place, (kind, figures, make) in enumerate(steps, start=1):
        make()
        body = orjson.loads(messages.answer_bytes(transmission.claim_next(world.organisation_id, AS_OF)))
        newest = registered.answer
        transmission.registered(
            world.organisation_id, newest.id, receipt_number=f"ENR-{place + 1}", receipt_at=AS_OF, as_of=AS_OF
        )
        assert (body["remplaceEnregistrement"], newest.kind) == (f"ENR-{place}", kind)
        assert (body["statut"] == "DESIGNATION", counted(world)) == (kind == DESIGNATION, figures)
        with pytest.raises(Refused, match="la même chose"):
            make()
    assert states(registered) == [AnswerState.REGISTERED] + 4 * [AnswerState.REPLACED]


def test_a_correction_as_impossible_wants_what_a_first_answer_wants(world, registered):
    """C4.3-c: the proofs, the facts where somebody had the vehicle; refused, it keeps nothing, not even a file."""
    boss, paper = worlds.actor(world.admin), Sent("PV.pdf", pdf(b"plainte"), "first_file")
    mine = fleet.add_vehicle(world.organisation_id, "AB123CD")
    fleet.assign(world.organisation_id, mine, fleet.add_driver(world.organisation_id))
    held = Answered(world, fleet.receive_notice(world.organisation_id, vehicle_id=mine), "")
    with pytest.raises(Refused, match="pas de réponse à corriger"):
        report(boss, held.notice_id)
    designating.report_impossibility(
        boss, held.notice_id, reason=USURPATION, comment="", as_of=AS_OF,
        proofs=[Proof(one, "PV-1", date(2026, 1, 5)) for one in USURPATION.requirements.proofs],
    )  # fmt: skip
    register(world, "ENR-2")
    with pytest.raises(NotVisible):
        report(worlds.actor(world.fines), held.notice_id, sent=paper)
    with pytest.raises(Refused) as lacking:
        report(boss, registered.notice_id, reference="")
    with pytest.raises(Refused) as unexplained:
        report(boss, held.notice_id, sent=paper)
    with pytest.raises(Refused, match="la même chose"):
        report(boss, held.notice_id, USURPATION, sent=paper)
    assert (lacking.value.field, unexplained.value.field, kept(world)) == ("proofs", "comment", ([], set()))

    report(boss, held.notice_id, comment="Volé sur le parking.", sent=paper)
    [row], keys = kept(world)
    assert (len(keys), states(held)) == (1, [AnswerState.CONFIRMED, AnswerState.REPLACED])


def test_an_impossibility_that_the_agency_refuses_lets_the_designation_stand_again(world, registered):
    """C4.3-c: with its figures."""
    report(worlds.actor(world.admin), registered.notice_id)
    assert counted(world) == IMPOSSIBLE
    outgoing = transmission.claim_next(world.organisation_id, AS_OF)
    transmission.refused(world.organisation_id, outgoing.answer_id, reason="Plainte inconnue.", as_of=AS_OF)
    assert states(registered) == [AnswerState.REFUSED, AnswerState.REGISTERED]
    assert (registered.facts()[-1], counted(world)) == (events.CORRECTION_REFUSED, DESIGNATED)


def test_of_two_corrections_at_once_one_is_made_and_the_other_is_told(app, world, registered):
    """C4.3-c: on both databases, one after the other whatever the threads do, whichever of the two they say."""
    boss, gate = worlds.actor(world.admin), Barrier(2)

    def attempt(make):
        with app.app_context():
            gate.wait(10)
            try:
                make(boss, registered.notice_id)
            except Refused as refusal:
                return str(refusal)
            return "faite"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(attempt, (correct, report)))
    assert "Une correction de cette réponse vient déjà" in said[0]
    assert said[1] == "faite"
    assert states(registered) == [AnswerState.CONFIRMED, AnswerState.REPLACED]


def test_the_administrator_corrects_in_words_and_with_a_ticked_box(world, signed_in):
    """C4.3-c: what is registered, what will be, the warning; then the thread tells all of it."""
    mine, driver_id = fleet.add_vehicle(world.organisation_id, "AB123CD"), fleet.add_driver(world.organisation_id)
    fleet.assign(world.organisation_id, mine, driver_id)
    answered = Answered(world, fleet.receive_notice(world.organisation_id, vehicle_id=mine), "")
    named = {"driver_id": driver_id, "kind": DriverKind.EMPLOYEE, "details": fleet.NOEL, "keep_in_fleet": False}
    designating.designate(worlds.actor(world.fines), answered.notice_id, **named, as_of=AS_OF)
    browser, path = signed_in(world.admin), f"/contraventions/{answered.notice_id}"
    assert "Corriger la réponse" not in browser.get(path).text
    register(world, "ENR-77")
    assert "Corriger la réponse" in browser.get(path).text
    shown = browser.get(f"{path}/corriger?conducteur=nouveau").text
    for words in ("Noëlig QUATREMARE", "ne sera plus la personne désignée", "Une fausse déclaration", "ENR-77"):
        assert words in shown

    typed = designation_of(None, because="Échange de clés.", kind="representant_legal")
    assert browser.post(f"{path}/corriger", data=typed).status_code == 422
    assert states(answered) == [AnswerState.REGISTERED]
    assert browser.post(f"{path}/corriger", data=typed | {"confirmed": "y"}).status_code == 302
    assert states(answered) == [AnswerState.CONFIRMED, AnswerState.REPLACED]
    second = browser.post(f"{path}/corriger", data=typed | {"confirmed": "y"}, follow_redirects=True).text
    assert re.search(rf"alert-warning[^>]*>.*{correcting.UNDER_WAY}", second, re.DOTALL)
    page = browser.get(path).text
    for words in ("Réponse remplacée", "Représentant légal", "Échange de clés.", "Correction de la réponse confirmée"):
        assert words in page
    assert signed_in(world.fines).get(f"{path}/corriger").status_code == 404


def test_the_page_of_a_correction_has_two_choices_and_fills_in_the_impossibility_that_stands(
    world, registered, signed_in
):
    """C4.3-c: in words, with a ticked box; what was typed stays after a refusal, and the address leads back."""
    browser, page = signed_in(world.admin), f"/contraventions/{registered.notice_id}"
    path, impossible = f"{page}/corriger", "Signaler qu’aucune désignation n’est possible"
    shown = browser.get(path).text
    for words in ("Désigner un autre conducteur", impossible, "Noëlig QUATREMARE ne sera plus la personne désignée"):
        assert words in shown
    typed = {"reason": "vol", "first_reference": "PV-42", "first_date": "2026-01-05"}
    refused = browser.post(f"{path}/impossible", data=typed)
    assert (refused.status_code, states(registered)) == (422, [AnswerState.REGISTERED])
    assert ('id="confirmed_impossible-error"' in refused.text, correcting.OTHER_NOW in refused.text) == (True, False)
    stale = browser.post(f"{path}/impossible", data=typed | {"vu": "0"})  # told even where there is something to mend
    assert (stale.status_code, stale.text.count(correcting.OTHER_NOW)) == (422, 1)
    assert re.search(rf'name="correction" open>\s*<summary>{impossible}', refused.text)
    sent = typed | {"confirmed_impossible": "y", "first_file": file()}
    assert browser.post(f"{path}/impossible", data=sent).status_code == 302
    assert states(registered) == [AnswerState.CONFIRMED, AnswerState.REPLACED]
    told = browser.get(page).text
    for words in ("Réponse remplacée", "Véhicule volé", "PV-42", "Correction de la réponse confirmée", "Avis.pdf"):
        assert words in told

    register(world, "ENR-2")
    shown = browser.get(path).text
    for words in ("L’impossibilité enregistrée («\u00a0Véhicule volé\u00a0») ne tiendra plus", 'value="PV-42"'):
        assert words in shown
    assert re.search(r'<input[^>]* checked [^>]*value="vol"', shown)
    assert browser.get(f"{path}/impossible").location == path
    assert signed_in(world.fines).post(f"{path}/impossible", data=typed).status_code == 404


def test_the_agency_takes_the_correction_and_still_answers_for_what_it_holds(app, agency, now):
    """C4.3-c: while it holds the answer that is corrected, a lost correction was not received and goes out again."""
    world = worlds.make_world(0, as_of=now)
    notice = answered_notice(world, agency, now)
    client = AgencyClient(agency.url, *("eprunes", "eprunes-demo"))
    send_due(world.organisation_id, client, now)
    first = notice.answer
    asked = {"notice_number": notice.number, "reference": "une autre", "as_of": now}
    assert isinstance(client.answer_held(**asked, replaced=first.agency_reference), NothingHeld)
    assert isinstance(client.answer_held(**asked), AlreadyAnswered)

    correct(worlds.actor(world.admin, now), notice.notice_id, as_of=now)
    assert send_due(world.organisation_id, client, now)["registered"] == 1
    second = notice.answer
    assert (second.state, second.receipt_number != first.receipt_number) == (AnswerState.REGISTERED, True)
    assert notice.facts()[-2:] == [events.SENT, events.CORRECTION_REGISTERED]


def test_the_agency_takes_an_impossibility_for_a_designation_and_a_designation_for_it(app, agency, now):
    """C4.3-c: neither stands beside the other there."""
    world = worlds.make_world(0, as_of=now)
    boss, notice = worlds.actor(world.admin, now), answered_notice(world, agency, now)
    client = AgencyClient(agency.url, *("eprunes", "eprunes-demo"))
    send_due(world.organisation_id, client, now)
    for status, make in (("NON_DESIGNATION", report), ("DESIGNATION", correct)):
        make(boss, notice.notice_id, as_of=now)
        assert send_due(world.organisation_id, client, now)["registered"] == 1
        [held] = agency.answers()
        assert (held["statut"], held["numeroEnregistrement"]) == (status, notice.answer.receipt_number)
    assert states(notice) == [AnswerState.REGISTERED, AnswerState.REPLACED, AnswerState.REPLACED]


class Story(NamedTuple):
    """A notice and its answers, in order; `replaces` says which answer each corrects."""

    notice: NoticeState = NoticeState.TO_ANSWER
    answers: tuple[AnswerState, ...] = ()
    replaces: tuple[int | None, ...] = ()


def next_chapters(story):
    """All that may happen next, as the services drive the two machines: (whether a refusal came, what follows)."""
    with suppress(IllegalMove):
        answered = move_notice(story.notice, NoticeMove.ANSWER)
        yield False, Story(answered, (*story.answers, AnswerState.CONFIRMED), (*story.replaces, None))
    for which, happened in product(range(len(story.answers)), AnswerMove):
        with suppress(IllegalMove):
            yield from one_move(story, which, happened)


def one_move(story, which, happened):
    answers, replaced = list(story.answers), story.replaces[which]
    answers[which] = move(answers[which], happened)
    notice, replaces = story.notice, story.replaces
    if happened is AnswerMove.RESTORE:
        return
    if happened is AnswerMove.CORRECT:
        answers, replaces = [*answers, AnswerState.CONFIRMED], (*replaces, which)
    elif happened in BACK and replaced is not None:
        answers[replaced] = move(answers[replaced], AnswerMove.RESTORE)
    elif happened in BACK:
        notice = move_notice(notice, NoticeMove.REFUSE)
    yield happened in BACK, Story(notice, tuple(answers), replaces)


def test_whatever_happens_one_answer_stands_at_most_and_only_a_refusal_opens_the_notice_again():
    """C4.3-e: every story of three answers that the two machines can tell, told to its end."""
    told, waiting = set(), [Story()]
    while waiting:
        story = waiting.pop()
        for was_refused, after in next_chapters(story):
            standing = [one for one in after.answers if one in OPEN_STATES]
            assert len(standing) == (1 if after.notice is NoticeState.ANSWERED else 0), (story, after)
            assert was_refused or story.notice is not NoticeState.ANSWERED or after.notice is NoticeState.ANSWERED
            if after not in told and len(after.answers) <= 3:
                told.add(after)
                waiting.append(after)
    assert {AnswerState.REPLACED, AnswerState.REFUSED} <= {one for story in told for one in story.answers}
