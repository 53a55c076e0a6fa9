"""What invitations send: to whom they can be sent at all, how often to one mailbox, and what follows acceptance."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from eprunes.accounts.models import Identity, UserState
from eprunes.accounts.services import invitations, users
from eprunes.core import smtp
from eprunes.core.database import platform_session
from eprunes.core.refusals import Refused
from tests.support.letters import queued, token_for
from tests.support.people import user_row
from tests.support.worlds import AS_OF, actor

NEW = "camille@ailleurs.example"
CHOSEN = "tortue violon brouette lilas"
MINUTE = timedelta(minutes=1)
FREE = 3
"""How many mails a mailbox gets before the brake."""


def invite(world, email=NEW, as_of=AS_OF):
    return invitations.invite(actor(world.admin, as_of), email, "Camille Dumas", True, False, as_of)


def delivered(email):
    return [letter.is_delivered for letter in queued(to=email)]


@pytest.mark.parametrize("email", ["éric@ailleurs.example", "e\u0301ric@ailleurs.example", "аdmin@ailleurs.example"])
def test_an_address_that_no_mail_reaches_is_refused_in_the_form(signed_in, world, email):
    data = {"email": email, "display_name": "Éric", "fleet": "y"}
    answer = signed_in(world.admin).post("/administration/utilisateurs/inviter", data=data)
    assert answer.status_code == 422
    assert "Pas de lettre accentuée avant l’arobase" in answer.text
    assert queued() == []


def test_no_account_is_made_for_an_address_that_no_mail_reaches(world):
    with pytest.raises(Refused, match="arobase"):
        users.create_operator(email="éric@exploitation.example", as_of=AS_OF)
    own = {"organisation_id": world.organisation_id, "fleet": True, "fines": False, "as_of": AS_OF}
    with pytest.raises(Refused, match="arobase"):
        users.create_user(email="éric@ailleurs.example", **own)


def test_a_domain_with_accents_is_invited_and_its_mail_goes_out(world):
    invite(world, "eric@société.example")
    assert user_row(world, "eric@société.example").state == UserState.INVITED
    [letter] = queued()
    parts = {"subject": letter.subject, "text": letter.text, "html": letter.html, "message_id": "1", "date": AS_OF}
    sender = smtp.read_sender("e-Prunes <ne-pas-repondre@eprunes.example>")
    assert smtp.compose(sender=sender, to=letter.to, **parts)[0] == "eric@xn--socit-esab.example"


@pytest.mark.parametrize("is_used", [False, True])
def test_a_mailbox_invited_again_and_again_gets_few_mails(world, other_world, is_used):
    """Harassment: invite and take back, in a loop; the answer is the same each time, and for a used address."""
    email = other_world.fleet if is_used else NEW
    for _ in range(10):
        invitations.revoke(actor(world.admin), invite(world, email), AS_OF)
    assert delivered(email) == [True] * FREE + [False] * (10 - FREE)


def test_the_brake_counts_what_several_clients_send(world, other_world):
    for _ in range(FREE):
        invitations.revoke(actor(world.admin), invite(world), AS_OF)
    user_id = invite(other_world)
    assert delivered(NEW)[-1] is False
    assert user_row(other_world, NEW).id == user_id
    invite(world, "autre@ailleurs.example")
    assert delivered("autre@ailleurs.example") == [True]


def test_after_the_wait_the_mailbox_gets_its_mail(world):
    for _ in range(FREE):
        invitations.revoke(actor(world.admin), invite(world), AS_OF)
    user_id = invite(world)
    later = AS_OF + MINUTE
    invitations.resend(actor(world.admin, later), user_id, later)
    assert delivered(NEW)[-2:] == [False, True]
    assert invitations.accept(token_for(NEW), "Camille Dumas", CHOSEN, later)


def test_a_link_that_is_there_stays_good_while_the_mailbox_is_spared(world):
    user_id = invite(world)
    for minutes in range(1, 5):
        invitations.resend(actor(world.admin, AS_OF + minutes * MINUTE), user_id, AS_OF + minutes * MINUTE)
    letters = queued(to=NEW)
    assert not letters[-1].is_delivered
    received = [letter.token for letter in letters if letter.is_delivered]
    opened = [invitations.read(token, AS_OF + 4 * MINUTE) is not None for token in received]
    assert opened == [False] * (len(received) - 1) + [True]


def test_a_refused_invitation_spares_nobody(world):
    """What sends nothing is not counted."""
    for _ in range(10):
        with pytest.raises(Refused):
            invite(world, world.fleet)
    assert queued() == []


def test_who_did_not_accept_the_invitation_blocks_the_account_by_the_mail_that_tells(client, world, frozen):
    """C3.3-d: the mail of the invitation may have been in other hands."""
    invite(world)
    assert invitations.accept(token_for(NEW), "Camille Dumas", CHOSEN, AS_OF)
    [letter] = queued("account_opened")
    assert letter.to == NEW
    assert letter.is_delivered
    assert "Client 0" in letter.text
    assert client.post("/connexion", data={"email": NEW, "password": CHOSEN}).status_code == 302
    assert "Le compte est bloqué" in client.post(letter.path).text
    assert client.post("/connexion", data={"email": NEW, "password": CHOSEN}).status_code == 422
    assert [one.to for one in queued("blocked")] == [world.admin]


def test_an_invitation_that_opens_nothing_sends_nothing(world):
    user_id = invite(world)
    token = token_for(NEW)
    invitations.revoke(actor(world.admin), user_id, AS_OF)
    assert not invitations.accept(token, "Camille Dumas", CHOSEN, AS_OF)
    assert queued("account_opened") == []
    with platform_session("tests") as session:
        assert session.scalar(select(Identity).where(Identity.email == NEW)) is None
