"""Forms of the import pages."""

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from eprunes.core.fields import SelectField
from eprunes.core.spreadsheets.csv_reading import SHEET_NAME
from eprunes.fleet.form_parts import LocalDateField, LocalTimeField, Quiet, choice
from eprunes.fleet.importing.columns import KINDS
from eprunes.fleet.importing.mappings import SheetChoice, column_field, kind_field
from eprunes.fleet.local_times import end_text, last_instant, typed_end
from eprunes.fleet.models import ExitReason
from eprunes.fleet.wording import EXIT_REASONS

NOT_IMPORTED = "Ne pas importer"


class ImportForm(FlaskForm):
    file = FileField(
        "Classeur Excel ou fichier CSV",
        validators=[FileRequired("Choisissez le fichier à importer.")],
        render_kw={"accept": ".xlsx,.csv,.txt"},
    )


class ConfirmForm(FlaskForm):
    """To agree to a preview, whose digest is `seen`, or to give an import up."""

    seen = HiddenField(id="apercu-vu")


class MappingForm(FlaskForm):
    """What each sheet and each column of a workbook is; made by `mapping_form`."""

    sheets: list[dict] = []

    def chosen(self) -> list[SheetChoice]:
        """The choices, sheet by sheet."""
        return [
            SheetChoice(
                self[kind_field(index)].data,
                {one["place"]: self[column_field(index, one["place"])].data for one in sheet["columns"]}
                if sheet["kind"]
                else {},
            )
            for index, sheet in enumerate(self.sheets)
        ]


class ClosingForm(FlaskForm):
    """What becomes of the vehicles that the workbook does not have; nothing, unless it is ticked."""

    close = BooleanField("Sortir ces véhicules du parc avec l’import")
    at = LocalDateField("Sortie le", validators=[Optional(), Quiet()])
    at_time = LocalTimeField("Heure")
    reason = SelectField(
        "Motif",
        choices=[
            SelectChoice("", "Choisissez un motif"),
            *(SelectChoice(str(one), EXIT_REASONS[one]) for one in ExitReason),
        ],
        validators=[Quiet()],
    )

    def validate(self, extra_validators=None) -> bool:
        fine = super().validate(extra_validators)
        asked = {"at": "Indiquez le jour de la sortie.", "reason": "Indiquez le motif de la sortie."}
        for name, sentence in asked.items() if self.close.data else ():
            if not self[name].data and not self[name].errors:
                self[name].errors = [sentence]
                fine = False
        return fine

    def instant(self, zone: ZoneInfo) -> datetime | None:
        """When they leave, if they do. Raises Refused for an hour that spring skips."""
        return last_instant(self.at.data, self.at_time.data, zone, "at_time") if self.close.data else None

    def chosen_reason(self) -> ExitReason | None:
        """Why they leave, if they do."""
        return ExitReason(self.reason.data) if self.close.data else None


def mapping_form(sheets: list[dict], **keywords) -> MappingForm:
    """The form for these sheets, as `mapping_as_json` tells them."""
    fields, data = {}, {}
    for index, sheet in enumerate(sheets):
        name = kind_field(index)
        label = "Ce fichier contient" if sheet["name"] == SHEET_NAME else "Cette feuille contient"
        fields[name], data[name] = choice(label, _kinds()), sheet["kind"]
        for column in sheet["columns"] if sheet["kind"] else ():
            name, heading = column_field(index, column["place"]), column["heading"] or f"Colonne {column['place'] + 1}"
            fields[name], data[name] = choice(heading, _fields(sheet["kind"])), column["field"]
    made = type("MappingForm", (MappingForm,), fields | {"sheets": sheets})
    return made(data=data, **keywords)


def closing_form(closing: dict | None, today: date, zone: ZoneInfo, **keywords) -> ClosingForm:
    """The form with what was asked for so far; today, unless it was."""
    return ClosingForm(data=_asked(closing, zone) if closing else {"at": today}, **keywords)


def closing_text(closing: dict, zone: ZoneInfo) -> str:
    """`le lun. 2 mars 2026, 24:00 (vendu ou cédé)`."""
    reason = EXIT_REASONS[ExitReason(closing["reason"])].lower()
    return f"le {end_text(datetime.fromisoformat(closing['at']), zone)} ({reason})"


@cache
def _kinds() -> tuple[tuple[str, str], ...]:
    return ("", NOT_IMPORTED), *((kind.name, kind.title) for kind in KINDS.values())


@cache
def _fields(kind: str) -> tuple[tuple[str, str], ...]:
    return ("", NOT_IMPORTED), *((column.name, column.heading) for column in KINDS[kind].columns)


def _asked(closing: dict, zone: ZoneInfo) -> dict:
    day, hour = typed_end(datetime.fromisoformat(closing["at"]), zone)
    return {"close": True, "at": day, "at_time": hour, "reason": closing["reason"]}
