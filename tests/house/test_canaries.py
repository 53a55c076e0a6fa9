"""Nothing of another client turns up: in no page, no file, no mail, no log (C3.2, C11)."""

import html
import io
import logging
import re
import zipfile

import pytest
from sqlalchemy import JSON, LargeBinary, String

from eprunes.accounts.services import invitations, resets
from eprunes.fines.queries import View
from tests.house import roles
from tests.house.canaries import contents, leave_traces, marks, word
from tests.house.roles import ADMIN, ANONYMOUS, OF_A_CLIENT, OPERATOR
from tests.house.stored_texts import SEALED, columns, sealed_texts, stored_texts
from tests.house.test_matrix import is_let_in
from tests.support import letters
from tests.support.fleet import notice_ids
from tests.support.routes import calls
from tests.support.worlds import AS_OF, World, actor, make_world

FROM_A_LIST = {
    "answers.channel", "notices.kind", "notice_files.kind", "driver_requests.reply", "users.mail_rhythm",
    "answers.kind", "answers.reason", "answers.state", "assignments.source", "audit_entries.action",
    "audit_entries.actor_kind", "audit_entries.subject_kind", "drivers.kind", "handovers.kind", "handovers.outcome",
    "identities.blocked_by", "identities.kind", "notice_events.kind", "notices.filing_reason", "notices.source",
    "notices.state", "one_time_tokens.purpose", "organisations.number_kind", "organisations.state",
    "outgoing_mails.purpose", "outgoing_mails.state", "sign_in_events.outcome", "users.state", "vehicles.holding",
    "work_tasks.kind", "work_tasks.state", "vehicles.energy", "vehicles.left_because", "fleet_documents.kind",
    "due_dates.kind", "import_mappings.sheet", "import_mappings.field", "stored_files.media_type",
    "vehicle_absences.left_because",
}  # fmt: skip
"""A word of ours."""
OF_EVERYBODY = {
    "declared_plates.country", "notice_counts.natinf", "vehicles.country", "notices.natinf", "notices.offence_zone",
    "organisations.zone",
    "offences.natinf", "offences.label", "offences.article", "offences.offence_class",
}  # fmt: skip
"""Codes and catalogues that every client shares."""
OF_THE_PROVIDER = {
    "job_days.name", "job_states.name", "job_states.last_result", "outgoing_mails.error", "records_to_review.outcome",
    "records_to_review.reason",
}  # fmt: skip
"""Kept about the platform itself, or about records that have no client."""
MADE_BY_US = {"answers.agency_reference": "the answer's random id", "identities.password_hash": "a hash"}
UNMARKED = FROM_A_LIST | OF_EVERYBODY | OF_THE_PROVIDER | set(MADE_BY_US)

OPAQUE = {
    "audit_connections.salt", "audit_entries.commitment", "audit_heads.hash", "audit_links.hash", "audit_seals.hash",
    "audit_seals.signature", "destroyed_notices.number_fingerprint", "driver_requests.token_hash",
    "notices.content_fingerprint",
    "notices.number_fingerprint", "notices.plate_fingerprint", "one_time_tokens.token_hash", "recovery_codes.code_hash",
    "records_to_review.fingerprint", "throttles.key", "user_sessions.token_hash",
    "identities.totp_box",  # a secret that its own holder is shown once
    "stored_files.content",  # what a person sent, as it was sent
    "records_to_review.box",  # a record that has no client
}  # fmt: skip
"""Bytes that say nothing of a client."""

_PERSON = ("birth_date", "civility", "country", "licence_country", "licence_issued_on", "postcode")
_COUNTS = ("name", "sentence", "title")
UNMARKED_IN_BOXES = {
    *(f"answers.box.conducteur.{name}" for name in _PERSON), *(f"drivers.box.{name}" for name in _PERSON),
    "answers.box.motif", "answers.box.qualite", "answers.box.pieces.date", "notices.box.country",
    "notices.box.postcode", *(f"work_tasks.input_box.sheets.{name}" for name in _COUNTS),
    *(f"work_tasks.result_box.preview.sheets.{name}" for name in _COUNTS),
    "work_tasks.input_box.act.act", "work_tasks.result_box.preview.digest", "work_tasks.result_box.preview.quota",
    "work_tasks.result_box.preview.problems.heading", "work_tasks.result_box.preview.problems.sheet",
    "work_tasks.staged_box.sheets.rows.date",
    *(f"work_tasks.input_box.understanding.layouts.{name}" for name in ("kind", "fields")),
    *(f"work_tasks.result_box.mapping.{name}" for name in ("kind", "columns.field")),
    *(f"work_tasks.result_box.preview.created.vehicles.{name}" for name in ("country", "plate")),
    "work_tasks.input_box.sender_id",
    "work_tasks.result_box.preview.missing.shown.country",
}  # fmt: skip
"""Dates, codes, postcodes, words of ours."""

NOT_ON_PAGES = {
    "notices.box.earlier.lieu", "transmissions.box.corps",  # kept as proof
    "answers.box.commentaire", "answers.box.pieces.nature", "answers.box.pieces.reference",  # of a refused answer
    "handovers.proof",  # the operator's
    "import_mappings.heading",
    "outgoing_mails.box.html", "outgoing_mails.box.subject", "outgoing_mails.box.text",  # mails
}  # fmt: skip
"""What its own client never sees on a page or in a file."""
SEARCHES = {
    "fines.inbox": ("{number}", "{plate}", "{word}"), "fines.export": ("{number}", "{plate}", "{word}"),
    "fleet.vehicles": ("{word}", "{plate}"), "fleet.export_vehicles": ("{word}", "{plate}"),
    "fleet.drivers": ("{word}", "{word}-E1"), "fleet.export_drivers": ("{word}",),
}  # fmt: skip


@pytest.fixture
def two_clients(app, world, frozen) -> tuple[World, World]:
    """Two clients with a row of everything, each marked with its own word."""
    other = make_world(1)
    roles.add_operator()
    for one in (world, other):
        leave_traces(one, contents(one))
    return world, other


def found_in(text: str, world: World) -> set[str]:
    """Which of a client's marks a text holds."""
    folded = text.casefold()
    return {mark for mark in marks(world) if mark in folded}


_BY_VIEW = ("fines.inbox", "fines.export", "fines.export_csv")


def every_view(endpoint: str, path: str) -> list[str]:
    """The paths of a page: of the inbox, each of its views."""
    return [f"{path}?vue={view}" for view in View] if endpoint in _BY_VIEW else [path]


def text_of(answer) -> str:
    """A page as it is, a workbook unpacked, without the moment at which it was written."""
    if not answer.data.startswith(b"PK"):
        return answer.get_data().decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        text = "\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    return re.sub(r"(?<=W3CDTF\">)[^<]+", "", text)


def pages(app, browser, ids=None, role=ADMIN):
    """(endpoint, text) of all that a browser may be given, and one page that it is refused."""
    yield "refused", text_of(browser.get("/introuvable"))
    for endpoint, method, path in calls(app, ids):
        if method == "GET" and (role not in OF_A_CLIENT or is_let_in(endpoint, role)):
            for one in every_view(endpoint, path):
                yield endpoint, text_of(browser.get(one))


def without_what_an_operator_may_know(text: str, endpoint: str, client: World) -> str:
    """The list of clients names each, with its number; nothing else of them."""
    if endpoint != "provider.clients":
        return text
    return text.replace(f"{word(client)} et compagnie", "").replace(client.number, "")


def test_every_text_column_is_marked_or_says_nothing_of_a_client(two_clients):
    """A column that is added needs a mark in `canaries`, or its name on one of the lists above."""
    for client in two_clients:
        held = stored_texts(client)
        marked = {name for name, texts in held.items() if any(found_in(text, client) for text in texts)}
        assert marked == set(columns(String, JSON)) - UNMARKED


def test_every_text_in_a_sealed_box_is_marked_or_says_nothing_of_a_client(two_clients):
    assert set(columns(LargeBinary)) == OPAQUE | set(SEALED)
    for client in two_clients:
        held = {name: texts for name, texts in sealed_texts(client).items() if any(texts)}
        marked = {name for name, texts in held.items() if any(found_in(text, client) for text in texts)}
        assert held.keys() - marked == UNMARKED_IN_BOXES
        assert {box for box in SEALED if any(name.startswith(f"{box}.") for name in marked)} == set(SEALED)


def test_no_page_and_no_file_shows_anything_of_another_client(app, two_clients, caplog):
    """C3.2: for each role, during a visit, and for nobody; neither client's data in a log."""
    caplog.set_level(logging.DEBUG, logger="eprunes")
    own, other = two_clients
    readers = roles.browsers(app, own) | {"visite": roles.visitor(app, own)}
    for role, browser in readers.items():
        for endpoint, text in pages(app, browser, role=role):
            if role == OPERATOR:
                text = without_what_an_operator_may_know(text, endpoint, other)
            assert not found_in(text, other), (role, endpoint)
            if role in (ANONYMOUS, OPERATOR):
                assert not found_in(without_what_an_operator_may_know(text, endpoint, own), own), (role, endpoint)
    assert not found_in(caplog.text, own) | found_in(caplog.text, other)


def test_a_search_for_what_another_client_has_answers_as_one_for_what_nobody_has(app, two_clients):
    own, other = two_clients
    sought = {"word": word(other), "plate": "GZ-975-LD", "number": "7777777100"}
    absent = {"word": "Zanari", "plate": "GZ-976-LD", "number": "7777777899"}
    browser = roles.browsers(app, own)[ADMIN]
    paths = {endpoint: path for endpoint, method, path in calls(app) if method == "GET"}
    for endpoint, searches in SEARCHES.items():
        for search in searches:
            answers = []
            for terms in (sought, absent):
                typed = search.format(**terms)
                answers.append(text_of(browser.get(paths[endpoint], query_string={"q": typed})).replace(typed, ""))
            assert answers[0] == answers[1], (endpoint, search)


def test_no_mail_says_anything_of_another_client(app, two_clients):
    """Of who invites, an address used elsewhere is told the name: that is what the mail is for (C3.2-b)."""
    own, other = two_clients
    boss = actor(own.admin)
    for email in (other.fleet, "nouvelle@ailleurs.example"):
        invitations.invite(boss, email, "Camille", True, False, AS_OF)
    for email in (own.both, other.both):
        resets.ask(email=email, address="192.0.2.1", as_of=AS_OF)
    for client, foreign in ((own, other), (other, own)):
        sent = [letter for letter in letters.queued() if letter.to.endswith(client.admin.partition("@")[2])]
        assert {letter.purpose for letter in sent} >= {"handover_announced", "new_sign_in", "reset"}
        for letter in sent:
            text = f"{letter.subject}{letter.text}{letter.html}".replace(f"{word(own)} et compagnie", "")
            if letter.purpose != "account_exists":
                text = f"{letter.subject}{letter.text}{letter.html}"
            assert not found_in(text, foreign), letter.purpose


def test_the_marks_are_there_to_be_found(app, world, frozen):
    """What the tests above look for stands in its own client's pages and files, column by column."""
    roles.add_operator()
    ids = contents(world)
    leave_traces(world, ids)
    browser = roles.browsers(app, world)[ADMIN]
    shown = [text for _, text in pages(app, browser, ids)]
    shown += [browser.get(f"/contraventions/{notice_id}").text for notice_id in notice_ids(world.organisation_id)]
    everything = html.unescape("".join(shown)).casefold()
    held = stored_texts(world) | sealed_texts(world)
    marked = {name: {text for text in texts if found_in(text, world)} for name, texts in held.items()}
    unseen = {name for name, texts in marked.items() if not any(text.casefold() in everything for text in texts)}
    assert {name for name in unseen if marked[name]} == NOT_ON_PAGES
