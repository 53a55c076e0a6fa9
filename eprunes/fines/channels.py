"""How the answer to a notice may travel: through the agency's interface, or in a registered letter.

The agency asks here only about the notices that it sent here: one that was typed in goes by letter, always. One that
it sent here may go by letter too once its paper has come, since the agency then waits for the post.
"""

from eprunes.core.refusals import Refused
from eprunes.fines.deadlines import NoticeSource
from eprunes.fines.models import Channel, Notice

NOT_BY_AGENCY = "Cet avis ne vient pas de l’ANTAI par la plateforme\u00a0: sa réponse part par lettre recommandée."
NOT_BY_LETTER = "Indiquez d’abord la date d’envoi de l’avis papier\u00a0: la lettre répond à cet avis."


def channels_of(notice: Notice) -> tuple[Channel, ...]:
    """The ways that an answer to this notice may take, the usual one first."""
    if notice.source != NoticeSource.AGENCY_FLOW:
        return (Channel.LETTER,)
    return (Channel.AGENCY, Channel.LETTER) if notice.sent_on else (Channel.AGENCY,)


def channel_of(notice: Notice, wanted: str = "") -> Channel:
    """The way wanted, where this notice may take it; its usual one otherwise."""
    possible = channels_of(notice)
    return next((one for one in possible if one == wanted), possible[0])


def check_channel(notice: Notice, channel: Channel) -> None:
    """Refuse a way that an answer to this notice may not take. Raises Refused."""
    if channel not in channels_of(notice):
        raise Refused(NOT_BY_AGENCY if channel is Channel.AGENCY else NOT_BY_LETTER)
