"""Forms of the import pages."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class ImportForm(FlaskForm):
    file = FileField(
        "Classeur Excel ou fichier CSV",
        validators=[FileRequired("Choisissez le fichier à importer.")],
        render_kw={"accept": ".xlsx,.csv,.txt"},
    )


class ConfirmForm(FlaskForm):
    """Only the token: to agree to a preview, or to give an import up."""
