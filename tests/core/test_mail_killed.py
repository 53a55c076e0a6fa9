"""The clock process killed in the middle of sending: each mail arrives once at most, and the others arrive."""

import json
from contextlib import ExitStack

import pytest

from eprunes.core import clock
from eprunes.core.mail import MailState
from tests.core.test_mail import keys, queue, rows, templates  # noqa: F401 - fixture
from tests.support.killed import run_job, started, wait_for

CLOCK = ["-m", "eprunes.clock_process"]
FIRST = "premiere@client0.example"
OTHERS = [f"personne{number}@client0.example" for number in range(5)]


@pytest.fixture
def settings(environ, mailbox) -> dict[str, str]:
    """The settings of a process that sends the test's mails, and knows no agency."""
    return {**environ, "EPRUNES_SMTP_URL": mailbox.url, "EPRUNES_ANTAI_URL": "http://127.0.0.1:9"}


def all_settled() -> bool:
    """Every fate is known and, a moment later, every key destroyed."""
    return all(one.settled_at for one in rows()) and keys() == set()


@pytest.mark.parametrize(("place", "arrives"), [("MAIL", 0), ("RCPT", 0), ("before keeping", 0), ("after keeping", 1)])
def test_a_clock_process_killed_in_the_middle_of_sending_is_replaced_and_nothing_is_sent_twice(
    mailbox, settings, place, arrives
):
    queue(FIRST, as_of=clock.now())
    queue(*OTHERS, as_of=clock.now())
    mailbox.hold_at(place)

    with started(CLOCK, settings, EPRUNES_DEMO="1") as first:
        assert mailbox.reached.wait(60)
        first.kill()
    midway = [one.state for one in rows()]
    mailbox.held_at = ""
    mailbox.go_on.set()
    # Its clock is ahead, so that the dead one's lease is over.
    with started(CLOCK, settings, EPRUNES_DEMO="1", EPRUNES_CLOCK_OFFSET="11m"):
        wait_for(all_settled)

    assert midway == [MailState.SENDING] + [MailState.WAITING] * len(OTHERS)
    assert [one.state for one in rows()] == [MailState.UNKNOWN] + [MailState.SENT] * len(OTHERS)
    assert sorted(mailbox.recipients) == sorted([FIRST] * arrives + OTHERS)


def test_four_clock_processes_at_once_send_each_mail_once(mailbox, settings):
    queue(*OTHERS, as_of=clock.now())
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(started(CLOCK, settings, EPRUNES_DEMO="1"))
        wait_for(all_settled, 60)
    assert sorted(mailbox.recipients) == OTHERS
    assert {one.attempts for one in rows()} == {1}


def test_a_malformed_server_address_stops_the_start_with_a_sentence(settings):
    with run_job("send-mail", {**settings, "EPRUNES_SMTP_URL": "smtps://nom:prune-secrete@"}) as process:
        said = process.wait(60)
    assert process.returncode != 0
    assert "EPRUNES_SMTP_URL\u00a0: " in said
    assert "prune-secrete" not in said


def test_the_command_sends_and_tells(mailbox, settings):
    queue(FIRST, as_of=clock.now())
    with run_job("send-mail", settings) as process:
        told = json.loads(process.wait(60).splitlines()[-1])
    assert (process.returncode, told["sent"]) == (0, 1)
    assert mailbox.recipients == [FIRST]
