"""Forms of documents."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms.fields.choices import SelectChoice

from eprunes.core.fields import Needed
from eprunes.core.files import LARGEST_BYTES
from eprunes.fleet.documents import KINDS
from eprunes.fleet.form_parts import choice
from eprunes.fleet.wording import DOCUMENT_KINDS


class DocumentForm(FlaskForm):
    """A document of a vehicle or of a driver, as `subject_kind` says."""

    kind = choice("Nature", [], Needed("Choisissez la nature du document."))
    file = FileField(
        "Fichier",
        validators=[FileRequired("Choisissez le fichier à ajouter.")],
        render_kw={"accept": "application/pdf,image/jpeg,image/png"},
    )

    def __init__(self, subject_kind: str, **keywords) -> None:
        super().__init__(**keywords)
        offered = [(str(kind), DOCUMENT_KINDS[kind]) for kind in KINDS[subject_kind]]
        self.kind.choices = [SelectChoice(value, word) for value, word in [("", "Choisir…"), *offered]]

    def values(self) -> dict:
        """What was sent; of a file that is too heavy, enough to tell."""
        sent = self.file.data
        return {"kind": self.kind.data, "name": sent.filename, "content": sent.read(LARGEST_BYTES + 1)}
