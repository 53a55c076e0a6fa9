"""Forms of due dates."""

from collections.abc import Iterable
from datetime import datetime

from eprunes.fleet import due_dates as rules
from eprunes.fleet.form_parts import Checked, ConfirmForm, OfOneRow, choice, needed_day, optional_day, text
from eprunes.fleet.models import DueDate, DueKind
from eprunes.fleet.versions import due_date_version, stamp

__all__ = ["ChangeDueDateForm", "ConfirmForm", "DueDateForm", "DueDoneForm"]


class DueDateForm(Checked):
    kind = choice("Objet", ((kind, rules.KINDS[kind]) for kind in rules.OF_VEHICLES))
    label = text("Précision", maxlength=rules.LONGEST_LABEL)
    due_on = needed_day("À faire au plus tard le", "Indiquez la date de l’échéance.")

    def offer(self, kinds: Iterable[DueKind]) -> "DueDateForm":
        """Let these kinds be chosen; the label is needed for one of them, and its hint says for which."""
        self.label.flags.quiet = True
        self.kind.choices = [(str(kind), rules.KINDS[kind]) for kind in kinds]
        return self

    def problems(self) -> dict[str, str]:
        """What is wrong, by field."""
        return _label_problem(self.kind.data, self.label.data)


class ChangeDueDateForm(OfOneRow):
    label = text("Précision", maxlength=rules.LONGEST_LABEL)
    due_on = needed_day("À faire au plus tard le", "Indiquez la date de l’échéance.")

    def __init__(self, *args, kind: str, **keywords) -> None:
        super().__init__(*args, **keywords)
        self.of_kind = kind
        self.label.flags.required = kind == DueKind.CUSTOM

    def problems(self) -> dict[str, str]:
        """What is wrong, by field."""
        return _label_problem(self.of_kind, self.label.data)


def due_date_values(due: DueDate, as_of: datetime) -> dict:
    """What the form of this due date starts with."""
    return {"label": due.label, "due_on": due.due_on, "seen": stamp(due_date_version(due), as_of)}


class DueDoneForm(Checked):
    done_on = needed_day("Fait le", "Indiquez le jour où cela a été fait.")
    next_on = optional_day("Prochaine échéance")

    def problems(self) -> dict[str, str]:
        """What is wrong, by field."""
        is_ahead = self.done_on.data is not None and self.done_on.data > self.today
        return {"done_on": "Cette date est dans le futur."} if is_ahead else {}


def _label_problem(kind: str, label: str | None) -> dict[str, str]:
    problem = rules.tidied_label(kind, label or "")[1]
    return {"label": problem} if problem else {}
