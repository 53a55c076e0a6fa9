"""The queue of mails: each sent once at most, tried again only when the server surely has not taken it in."""

import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select, update

from eprunes.core import mail, smtp
from eprunes.core.crypto import PLATFORM, key_store
from eprunes.core.database import platform_session
from eprunes.core.mail import DELAYS, GIVEN_UP_AFTER, KEPT_FOR, KEY_PURPOSE, LEASE, MailState, OutgoingMail
from tests.support.mailbox import sent_to
from tests.support.worlds import AS_OF

MOMENT = timedelta(microseconds=1)
TO = "claire.mirabelle@client0.example"
LINK = "http://localhost/invitation/jeton-tres-secret"


@pytest.fixture(autouse=True)
def templates(app, monkeypatch, tmp_path):
    """A mail of the tests beside those of the product."""
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails" / "essai.txt").write_text(
        "Bienvenue {{ name }}\n\nBonjour {{ name }}, suivez ce lien\u00a0:\n{{ link }}\n.\nMerci", encoding="utf-8"
    )
    (tmp_path / "mails" / "essai.html").write_text(
        '{% extends "mails/layout.html" %}{% block body %}<p>Bonjour {{ name }}</p>'
        '<p><a href="{{ link }}">Accepter l’invitation</a></p>{% endblock %}',
        encoding="utf-8",
    )
    loader = app.jinja_loader
    monkeypatch.setattr(loader, "searchpath", [*loader.searchpath, str(tmp_path)])


def queue(*recipients: str, as_of=AS_OF, name="Zoé d’Été", deliver=True) -> None:
    for to in recipients or (TO,):
        with platform_session("tests", write=True) as session:
            mail.queue(session, "essai", to=to, as_of=as_of, deliver=deliver, name=name, link=LINK)


def rows() -> list[OutgoingMail]:
    with platform_session("tests") as session:
        return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def row() -> OutgoingMail:
    [only] = rows()
    return only


def change_rows(**values: object) -> None:
    with platform_session("tests", write=True) as session:
        session.execute(update(OutgoingMail).values(**values))


def keys() -> set:
    return key_store().keys_created_before(PLATFORM, KEY_PURPOSE, AS_OF + timedelta(days=999))


def nothing_left_of(one: OutgoingMail) -> bool:
    return (one.box, one.key_id, one.leased_until) == (None, None, None) and keys() == set()


def test_a_mail_is_sent_once_and_then_forgotten(app, mailbox):
    queue()
    first = mail.send_due(AS_OF)
    later = [mail.send_due(AS_OF + timedelta(hours=hours)) for hours in (0, 1, 24, 48)]

    assert mailbox.recipients == [TO]
    assert first["sent"] == 1
    assert sum(one["sent"] for one in later) == 0
    assert (row().state, row().settled_at, row().purpose, row().error) == (MailState.SENT, AS_OF, "essai", None)
    assert nothing_left_of(row())


def test_what_arrives_is_french_in_text_and_html_and_says_who_sends_it(app, mailbox):
    queue()
    mail.send_due(AS_OF)

    [received] = mailbox.received
    message = received.message
    assert message.get_content_type() == "multipart/alternative"
    assert message["Subject"] == "Bienvenue Zoé d’Été"
    assert (message["To"], message["From"]) == (TO, "e-Prunes <ne-pas-repondre@eprunes.example>")
    assert received.sender == "ne-pas-repondre@eprunes.example"
    assert message["Date"].datetime == AS_OF
    assert message["Auto-Submitted"] == "auto-generated"
    assert received.part("plain").startswith(f"Bonjour Zoé d’Été, suivez ce lien\u00a0:\n{LINK}\n.\nMerci\n\n--\n")
    assert f'<a href="{LINK}">Accepter l’invitation</a>' in received.part("html")
    for kind in ("plain", "html"):
        assert message.get_body((kind,)).get_content_charset() == "utf-8"
        assert "Envoyé automatiquement par e-Prunes" in received.part(kind)
    assert received.content.isascii()
    assert max(len(line) for line in received.content.split(b"\r\n")) <= 78


def test_the_html_part_fetches_nothing_and_follows_the_readers_colours(app, mailbox):
    queue()
    mail.send_due(AS_OF)
    html = mailbox.received[0].part("html")
    assert "prefers-color-scheme: dark" in html
    for remote in ("src=", "url(", "@import", "<link", "<script"):
        assert remote not in html


@pytest.mark.parametrize(
    "end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\x00"], ids=lambda end: f"{ord(end[-1]):x}"
)
def test_a_name_cannot_add_a_header_or_a_recipient(app, mailbox, end):
    """Header injection: by the subject, whose name a user chose."""
    queue(name=f"Zoé{end}Bcc: tiers@ailleurs.example{end}{end}<script>x</script>")
    mail.send_due(AS_OF)

    [received] = mailbox.received
    known = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    assert sorted(received.message.keys()) == sorted(known)
    assert received.recipients == [TO]
    assert "<script>" not in received.part("html")


@pytest.mark.parametrize(
    "to",
    [
        "claire@client0.example\r\nBcc: tiers@ailleurs.example",
        "claire@client0.example, tiers@ailleurs.example",
        "claire@client0.example> RCPT TO:<tiers@ailleurs.example",
        "Claire <claire@client0.example>",
        "éloïse@client0.example",
        "personne",
        "",
    ],
)
def test_an_address_that_is_not_exactly_one_is_refused_and_the_others_still_go(app, mailbox, to):
    """Header injection: by the address."""
    queue(to, TO)
    counts = mail.send_due(AS_OF)
    assert mailbox.recipients == [TO]
    assert [one.state for one in rows()] == [MailState.REFUSED, MailState.SENT]
    assert (counts["mails_refused"], counts["sent"]) == (1, 1)
    assert keys() == set()


def test_an_address_with_accents_in_its_domain_is_written_without(app, mailbox):
    queue("claire@élagage.example")
    mail.send_due(AS_OF)
    assert mailbox.recipients == ["claire@xn--lagage-9ua.example"]


def test_a_mail_that_is_not_to_be_delivered_ends_like_a_sent_one(app, mailbox):
    """User enumeration: the rows of a known and of an unknown address look the same."""
    queue(deliver=True)
    queue(deliver=False)
    counts = mail.send_due(AS_OF)
    one, other = rows()
    for column in ("state", "attempts", "settled_at", "error", "box", "key_id", "purpose"):
        assert getattr(one, column) == getattr(other, column)
    assert len(mailbox.received) == 1
    assert (counts["sent"], counts["withheld"]) == (1, 1)
    assert keys() == set()


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "before keeping"])
def test_a_temporary_refusal_is_tried_again_and_arrives_under_the_same_id(app, mailbox, step):
    queue()
    mailbox.answers[step] = "451 4.3.0 Plus tard"
    mailbox.hold_at("")
    assert mail.send_due(AS_OF)["put_off"] == 1
    waiting = row()
    del mailbox.answers[step]
    too_soon = mail.send_due(AS_OF + DELAYS[0] - MOMENT)
    mail.send_due(AS_OF + DELAYS[0])

    assert (waiting.state, waiting.attempts, waiting.next_attempt_at) == (MailState.WAITING, 1, AS_OF + DELAYS[0])
    assert "451" in waiting.error
    assert too_soon["sent"] == 0
    assert mailbox.recipients == [TO]
    assert mailbox.received[0].message["Message-ID"] == f"<{waiting.id.hex}@eprunes.example>"
    assert (row().state, row().attempts, row().error) == (MailState.SENT, 2, None)


def test_the_delays_grow_and_after_24_hours_the_mail_is_given_up(app, mailbox):
    queue()
    mailbox.answers["RCPT"] = "450 4.2.0 Plus tard"
    at, waited = AS_OF, []
    while at <= AS_OF + GIVEN_UP_AFTER:
        assert mail.send_due(at - MOMENT)["put_off"] == 0
        mail.send_due(at)
        if row().state != MailState.WAITING:
            break
        waited.append(row().next_attempt_at - at)
        at = row().next_attempt_at

    minutes = [one / timedelta(minutes=1) for one in waited]
    assert minutes[:4] == [1, 5, 15, 60]
    assert minutes[:6] == sorted(minutes[:6])
    assert (row().state, row().settled_at) == (MailState.REFUSED, AS_OF + GIVEN_UP_AFTER)
    assert "450" in row().error
    assert nothing_left_of(row())
    assert mailbox.received == []


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "before keeping"])
def test_a_refusal_for_good_ends_the_mail_at_once_and_not_the_others(app, mailbox, step, caplog):
    queue()
    mailbox.answers[step] = f"550 5.1.1 <{TO}> inconnu"
    counts = mail.send_due(AS_OF)
    del mailbox.answers[step]
    queue("autre@client0.example")
    mail.send_due(AS_OF + timedelta(days=1))

    assert counts["mails_refused"] == 1
    assert [one.state for one in rows()] == [MailState.REFUSED, MailState.SENT]
    assert mailbox.recipients == ["autre@client0.example"]
    assert "550" in rows()[0].error
    assert TO not in rows()[0].error + caplog.text
    assert keys() == set()


def test_one_refused_recipient_does_not_stop_the_others_of_the_same_run(app, mailbox):
    queue("un@client0.example", "deux@client0.example", "trois@client0.example", "quatre@client0.example")
    mailbox.answers["un@client0.example"] = "550 Non"
    mailbox.answers["trois@client0.example"] = "450 Plus tard"
    counts = mail.send_due(AS_OF)
    assert mailbox.recipients == ["deux@client0.example", "quatre@client0.example"]
    assert (counts["sent"], counts["mails_refused"], counts["put_off"]) == (2, 1, 1)


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_a_connection_lost_before_the_mail_itself_is_tried_again(app, mailbox, step):
    queue()
    mailbox.drops.add(step)
    assert mail.send_due(AS_OF)["put_off"] == 1
    mailbox.drops.clear()
    mail.send_due(AS_OF + DELAYS[0])
    assert mailbox.recipients == [TO]


@pytest.mark.parametrize(("step", "arrived"), [("before keeping", 0), ("after keeping", 1)])
def test_a_connection_lost_once_the_mail_was_told_is_never_sent_again(app, mailbox, step, arrived):
    """Nobody can tell whether the server has it: nothing is sent twice."""
    queue()
    mailbox.drops.add(step)
    counts = mail.send_due(AS_OF)
    mailbox.drops.clear()
    for hours in (1, 24, 48):
        mail.send_due(AS_OF + timedelta(hours=hours))

    assert counts["unknown"] == 1
    assert len(mailbox.received) == arrived
    assert len(mailbox.asked) == 1
    assert (row().state, row().settled_at) == (MailState.UNKNOWN, AS_OF)
    assert nothing_left_of(row())


@pytest.mark.parametrize(
    ("step", "state"),
    [("MAIL", MailState.WAITING), ("RCPT", MailState.WAITING), ("before keeping", MailState.UNKNOWN)],
)
def test_a_silent_server_is_not_waited_for(app, mailbox, monkeypatch, step, state):
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    queue()
    mailbox.hold_at(step)
    mail.send_due(AS_OF)
    assert mailbox.reached.is_set()
    assert row().state == state


def test_a_server_that_accepts_and_says_nothing_is_not_waited_for(app, monkeypatch):
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    queue()
    with socket.create_server(("127.0.0.1", 0)) as mute, sent_to(app, f"smtp://127.0.0.1:{mute.getsockname()[1]}"):
        assert mail.send_due(AS_OF)["put_off"] == 1
    assert row().state == MailState.WAITING


def test_while_the_server_is_down_one_mail_a_run_is_tried_and_none_is_lost(app, mailbox):
    queue("un@client0.example", "deux@client0.example")
    with sent_to(app, "smtp://127.0.0.1:9"):
        counts = mail.send_due(AS_OF)
    attempts = [one.attempts for one in rows()]
    mail.send_due(AS_OF + DELAYS[0])

    assert counts["put_off"] == 1
    assert attempts == [1, 0]
    assert sorted(mailbox.recipients) == ["deux@client0.example", "un@client0.example"]


def test_a_mail_left_by_a_dead_process_ends_as_unknown_when_its_lease_does(app, mailbox):
    queue()
    change_rows(state=MailState.SENDING, attempts=1, leased_until=AS_OF + LEASE)
    early = mail.send_due(AS_OF + LEASE - MOMENT)
    still = row().state
    counts = mail.send_due(AS_OF + LEASE)

    assert (early["unknown"], still) == (0, MailState.SENDING)
    assert counts["unknown"] == 1
    assert (row().state, row().settled_at) == (MailState.UNKNOWN, AS_OF + LEASE)
    assert nothing_left_of(row())
    assert mailbox.asked == []


@pytest.mark.parametrize(("ahead", "state"), [(2 * LEASE, MailState.SENDING), (2 * LEASE + MOMENT, MailState.UNKNOWN)])
def test_a_lease_from_a_clock_that_ran_ahead_is_not_waited_for(app, mailbox, ahead, state):
    queue()
    change_rows(state=MailState.SENDING, attempts=1, leased_until=AS_OF + ahead)
    mail.send_due(AS_OF)
    assert row().state == state


def test_who_looked_before_another_one_tried_does_not_try_at_once_again(app, mailbox):
    queue()
    seen_before = mail._longest_due(AS_OF)
    mailbox.answers["RCPT"] = "450 Plus tard"
    mail.send_due(AS_OF)
    assert not mail._claim(seen_before, AS_OF)
    assert (row().state, row().attempts) == (MailState.WAITING, 1)


def test_an_answer_that_makes_no_sense_once_the_mail_was_told_leaves_it_unknown(app, mailbox):
    queue()
    mailbox.answers["before keeping"] = "354 Encore"
    mail.send_due(AS_OF)
    assert row().state == MailState.UNKNOWN


def test_a_sender_that_comes_back_after_its_lease_changes_nothing_more(app, mailbox):
    queue()
    mailbox.hold_at("RCPT")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(in_app(app, mail.send_due), AS_OF)
        assert mailbox.reached.wait(20)
        mail.send_due(AS_OF + LEASE)
        given_up = row()
        mailbox.answers["RCPT"] = "450 Plus tard"
        mailbox.go_on.set()
        slow.result(20)
    assert given_up.state == row().state == MailState.UNKNOWN
    assert row().settled_at == AS_OF + LEASE


def test_a_mail_is_marked_before_the_server_hears_of_it(app, mailbox):
    queue()
    mailbox.hold_at("MAIL")
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(in_app(app, mail.send_due), AS_OF)
        assert mailbox.reached.wait(20)
        meanwhile = row()
        mailbox.go_on.set()
        sending.result(20)
    assert (meanwhile.state, meanwhile.leased_until) == (MailState.SENDING, AS_OF + LEASE)
    assert row().state == MailState.SENT


def test_four_senders_at_once_send_each_mail_once(app, mailbox):
    everyone = [f"personne{number}@client0.example" for number in range(12)]
    queue(*everyone)
    together = Barrier(4)

    def send(as_of):
        together.wait()
        return mail.send_due(as_of)

    with ThreadPoolExecutor(4) as pool:
        counts = [done.result() for done in [pool.submit(in_app(app, send), AS_OF) for _ in range(4)]]
    assert sorted(mailbox.recipients) == sorted(everyone)
    assert sum(one["sent"] for one in counts) == len(everyone)
    assert {one.attempts for one in rows()} == {1}


@pytest.mark.parametrize("fault", ["no key", "no box", "altered box", "altered key"])
def test_a_mail_that_nobody_can_read_is_refused_and_does_not_stop_the_others(app, mailbox, fault):
    queue()
    broken = row()
    if fault == "no key":
        key_store().destroy_keys(PLATFORM, [broken.key_id])
    elif fault == "no box":
        change_rows(box=None)
    elif fault == "altered box":
        change_rows(box=broken.box[:-1] + bytes([broken.box[-1] ^ 1]))
    else:
        alter_keys()
    queue("autre@client0.example", as_of=AS_OF)
    counts = mail.send_due(AS_OF)
    assert [one.state for one in rows()] == [MailState.REFUSED, MailState.SENT]
    assert (counts["mails_refused"], counts["sent"]) == (1, 1)
    assert mailbox.recipients == ["autre@client0.example"]


def test_a_key_store_that_is_down_loses_no_mail(app, mailbox, monkeypatch):
    queue()
    with monkeypatch.context() as patch:
        patch.setattr(type(key_store()), "keys", lambda *_: (_ for _ in ()).throw(OSError("down")))
        with pytest.raises(OSError, match="down"):
            mail.send_due(AS_OF)
    assert row().state == MailState.WAITING
    mail.send_due(AS_OF)
    assert mailbox.recipients == [TO]


def test_settled_mails_are_kept_for_30_days(app, mailbox):
    queue()
    mail.send_due(AS_OF)
    mail.send_due(AS_OF + KEPT_FOR - MOMENT)
    assert len(rows()) == 1
    assert mail.send_due(AS_OF + KEPT_FOR)["mails_removed"] == 1
    assert rows() == []


def test_a_mail_that_waits_is_never_removed_however_old(app, mailbox):
    queue()
    change_rows(next_attempt_at=AS_OF + timedelta(days=90))
    mail.send_due(AS_OF + timedelta(days=89))
    assert row().state == MailState.WAITING
    assert keys() == {row().key_id}


def test_a_change_rolled_back_sends_nothing_and_its_key_is_destroyed_after_a_day(app, mailbox):
    with platform_session("tests", write=True) as session:
        mail.queue(session, "essai", to=TO, as_of=AS_OF, name="x", link=LINK)
        session.rollback()
    assert mail.send_due(AS_OF + timedelta(days=1))["orphan_keys"] == 0
    assert mail.send_due(AS_OF + timedelta(days=1) + MOMENT)["orphan_keys"] == 1
    assert mailbox.asked == []
    assert keys() == set()


def test_what_a_waiting_mail_says_stands_nowhere_in_clear(app, mailbox, caplog):
    """A stolen disk without the key store tells no address, no link."""
    caplog.set_level(logging.DEBUG, "eprunes")
    queue()
    mailbox.answers["RCPT"] = f"450 <{TO}> plus tard"
    mail.send_due(AS_OF)
    told = " ".join(str(value) for value in vars(row()).values()) + caplog.text
    for secret in (TO, "Mirabelle", "jeton-tres-secret", "Zoé"):
        assert secret not in told
    assert TO.encode() not in row().box


def test_the_password_of_the_server_is_in_no_message(app, mailbox, caplog):
    queue()
    with sent_to(app, f"smtp://e-prunes:prune-secrete@127.0.0.1:{mailbox.port}"):
        mail.send_due(AS_OF)
    assert row().state == MailState.WAITING
    assert "prune-secrete" not in caplog.text + row().error


def test_the_job_is_in_the_schedule_every_minute_and_every_two_seconds_in_the_demo():
    from eprunes.clock_process import JOBS

    job = JOBS["send-mail"]
    assert job.run is mail.send_due
    assert job.daily_at is None
    assert (job.every, job.every_in_demo) == (timedelta(minutes=1), timedelta(seconds=2))


def test_the_command_tells_in_one_line_what_it_did(app, mailbox):
    queue()
    done = app.test_cli_runner().invoke(args=["jobs", "run", "send-mail", "--as-of", AS_OF.isoformat()])
    assert done.exit_code == 0
    assert '"sent":1' in done.output


def test_every_count_has_a_french_name(app, mailbox):
    from eprunes.provider.job_words import JOB_WORDS

    queue("un@client0.example", "deux@client0.example", "trois@client0.example")
    queue(deliver=False)
    mailbox.answers |= {"un@client0.example": "550 Non", "deux@client0.example": "450 Plus tard"}
    counts = mail.send_due(AS_OF)
    assert set(counts) >= {"sent", "withheld", "mails_refused", "put_off", "unknown", "mails_removed", "orphan_keys"}
    assert set(counts) <= set(JOB_WORDS)


def test_links_follow_the_configured_address_and_not_the_request(app):
    """Host header injection."""
    settings = app.extensions["eprunes_settings"]
    app.extensions["eprunes_settings"] = replace(settings, base_url="https://eprunes.example")
    try:
        with app.test_request_context("/", headers={"Host": "pirate.example", "X-Forwarded-Host": "pirate.example"}):
            assert mail.link_to("/invitation/x") == "https://eprunes.example/invitation/x"
    finally:
        app.extensions["eprunes_settings"] = settings


def in_app(app, function):
    """The function with an application context of its own, for a thread."""

    def call(*arguments):
        with app.app_context():
            return function(*arguments)

    return call


def alter_keys() -> None:
    """The wrapped keys as a damaged disk would give them."""
    from eprunes.core import crypto

    with key_store()._connect() as connection:
        connection.execute(update(crypto._data_keys).values(wrapped=b"\x00" * 60))
