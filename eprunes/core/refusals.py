"""What services raise when they say no: a French sentence, and the form field it belongs to."""


class Refused(Exception):
    """A business refusal; `str()` is the sentence a user reads, `field` the form field it concerns, if any."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class NotVisible(Exception):
    """What was asked for does not exist, or is not for this actor: the same answer for both (404)."""
