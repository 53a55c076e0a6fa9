"""How often one is told of notices by mail: each person's own choice."""

from datetime import datetime

from eprunes.accounts.models import MailRhythm
from eprunes.accounts.permissions import Actor
from eprunes.accounts.services import account_steps, user_steps

WORDS = {
    MailRhythm.DAILY: "Chaque jour où il y a du nouveau",
    MailRhythm.WEEKLY: "Chaque lundi",
    MailRhythm.DEADLINES_ONLY: "Les échéances seulement",
}


def choose_rhythm(*, actor: Actor, rhythm: MailRhythm, as_of: datetime) -> None:
    """Choose the rhythm of one's own mails on notices. Raises NotVisible for whoever is no user."""
    with account_steps.changing(actor, "rythme des courriels") as session:
        user = user_steps.find(session, actor.user_id)
        if user.mail_rhythm == rhythm:
            return
        user.mail_rhythm = rhythm
        account_steps.trace(session, actor, "courriels.rythme_choisi", as_of, {"rythme": rhythm})
