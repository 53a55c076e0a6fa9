"""Forms of the operator's pages."""

from flask_wtf import FlaskForm


class ConfirmForm(FlaskForm):
    """Only the token: the page says in words what will happen."""
