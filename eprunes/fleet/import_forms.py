"""Forms of the import pages."""

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class ImportForm(FlaskForm):
    file = FileField(
        "Classeur Excel",
        validators=[FileRequired("Choisissez le classeur à importer.")],
        render_kw={"accept": ".xlsx"},
    )


class ConfirmForm(FlaskForm):
    """Only the token: to agree to a preview, or to give an import up."""
