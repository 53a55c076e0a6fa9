"""The page of one notice, around whichever of its forms was sent."""

from uuid import UUID

from flask import Response, g, request

from eprunes.accounts.permissions import Permission
from eprunes.core import clock
from eprunes.core.texts import tidy_line
from eprunes.core.web import reading, refusals_on, render_form
from eprunes.fines import pages
from eprunes.fines.channels import channels_of
from eprunes.fines.forms import FileForm, FilingForm, NoteForm, ReopenForm
from eprunes.fines.notice_versions import mark_of, refuse_unseen
from eprunes.fines.proposals import Why
from eprunes.fleet.wording import KINDS


def render_notice(notice_id: UUID, *, chosen: str | None = None, **forms) -> Response:
    """Render the page, 422 with what was typed when one of `forms` (by name) was refused: it says then too what changed
    since it was opened, for it is shown as it is now. Raises NotVisible."""
    if forms:
        reading().rollback()  # somebody else may have acted since it was read: that may be why
    notice = pages.load_notice(g.actor, reading(), notice_id, clock.now())
    wanted = request.args.get("conducteur", "") if chosen is None else chosen
    page = pages.read_page(g.actor, reading(), notice, wanted, clock.now())
    refused = next(iter(forms.values()), None)
    if refused is not None:
        with refusals_on(refused):
            refuse_unseen(notice, request.form.get("vu", ""), clock.now())
    return render_form(
        "fines/notice.html",
        refused if refused is not None else ReopenForm(),
        page=page,
        is_new=wanted == pages.NEW_DRIVER,
        designation=forms.get("designation") or pages.designation_form(page),
        impossibility=forms.get("impossibility") or pages.impossibility_form(page),
        filing=forms.get("filing") or FilingForm(formdata=None),
        note=forms.get("note") or NoteForm(formdata=None),
        attaching=forms.get("attaching") or FileForm(formdata=None),
        channels=channels_of(notice),
        mark_of=lambda notice: mark_of(notice, clock.now()),
        **candidates(),
        **around(),
    )


def candidates() -> dict:
    """The search for a driver inside an answer, and who was found."""
    search = tidy_line(request.args.get("cherche", ""))[:80]
    return {"search": search, "found": pages.find_candidates(g.actor, reading(), search)}


def around() -> dict:
    """What the parts of a notice's page ask about its reader."""
    may = {
        "may_open_papers": g.actor.may(Permission.EXPORT_FLEET),
        "may_edit_fleet": g.actor.may(Permission.EDIT_FLEET),
    }
    return {"Why": Why, "capacity_words": KINDS, **may}
