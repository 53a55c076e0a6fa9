"""The registered letter that answers a paper notice, ready to be signed: what it says, and its pages (PDF).

The law lets the company designate by registered letter (Code de la route, A. 121-3). The letter repeats what was
sealed with the answer, and nothing else. It is set in a typeface that every printer has, whose letters are those of
western Europe: any other is replaced in plain sight, never left out.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from babel.dates import format_date

from eprunes.core.wording import LOCALE

ENCODING = "windows-1252"
UNKNOWN = "[?]"
REPLACED = "*"
FOOTNOTE = (
    "* Nom ou adresse dont une lettre, étrangère à cette police, est remplacée par la plus proche ou par [?]\u00a0: "
    "complétez à la main."
)
FALSE_DECLARATION = "J’ai connaissance de ce qu’une fausse déclaration est punie par la loi."
TO_COPY = "(adresse indiquée sur l’avis)"
_CLOSE = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T", "ĸ": "k", "ŋ": "n"}
_SPACES = {"\u202f": "\u00a0", "\u2009": " ", "\u2011": "-", "\u2212": "-", "\u02bc": "’"}
_LEFT, _RIGHT, _LINE = 22, 105, 5.2


@dataclass(frozen=True)
class Letter:
    """A letter: who writes to whom, about what, and what it declares: `facts`, or a statement, or both."""

    sender: Sequence[str]
    addressee: Sequence[str]
    place: str
    dated: date
    subject: str
    opening: str
    facts: Sequence[tuple[str, str]]
    statement: Sequence[str]
    enclosures: Sequence[str]
    signatory: str


def written_day(day: date) -> str:
    """`3 mars 2026`, `1er avril 2026`: a day as letters write it."""
    return format_date(day, "d MMMM y", locale=LOCALE).replace("1 ", "1er ", 1 if day.day == 1 else 0)


def printable(text: str) -> str:
    """The text in the letters of the typeface; one that it lacks becomes the closest, else [?]."""
    return "".join(_one(character) for character in unicodedata.normalize("NFC", text))


def is_printable(text: str) -> bool:
    """Whether the letter shows the text as it is (spaces aside)."""
    return printable(text) == "".join(_SPACES.get(one, one) for one in unicodedata.normalize("NFC", text))


def render(letters: Sequence[Letter], as_of: datetime) -> bytes:
    """The letters as one PDF, each on its own pages."""
    from fpdf import FPDF  # half a second, that only a letter costs

    pdf = FPDF(format="A4")
    pdf.core_fonts_encoding = ENCODING
    pdf.set_creation_date(as_of)
    pdf.set_title("Réponse à un avis de contravention")
    pdf.set_lang("fr-FR")
    pdf.set_margins(_LEFT, 18, _LEFT)
    pdf.set_auto_page_break(True, margin=18)
    for letter in letters:
        _add(pdf, letter)
    return bytes(pdf.output())


def _add(pdf, letter: Letter) -> None:
    pdf.add_page()
    pdf.set_font("Helvetica", size=10.5)
    _lines(pdf, letter.sender)
    pdf.set_y(max(pdf.get_y() + 4, 50))
    _lines(pdf, letter.addressee or (TO_COPY, *[". " * 38] * 3), at=_RIGHT)
    pdf.ln(6)
    _lines(pdf, [f"{letter.place or '. ' * 18}, le {written_day(letter.dated)}"], at=_RIGHT)
    pdf.ln(5)
    _lines(pdf, ["Lettre recommandée avec demande d’avis de réception"])
    pdf.set_font(style="B")
    _lines(pdf, [f"Objet\u00a0: {letter.subject}"])
    pdf.set_font(style="")
    pdf.ln(4)
    _lines(pdf, ["Madame, Monsieur,"])
    pdf.ln(2)
    _lines(pdf, [letter.opening])
    pdf.ln(2)
    for label, value in letter.facts:
        _fact(pdf, label, value)
    pdf.ln(2)
    for paragraph in letter.statement:
        _lines(pdf, [paragraph])
        pdf.ln(2)
    pdf.set_font(style="B")
    _lines(pdf, [FALSE_DECLARATION])
    pdf.set_font(style="")
    pdf.ln(2)
    _lines(pdf, ["Je vous prie d’agréer, Madame, Monsieur, l’expression de ma considération distinguée."])
    pdf.ln(5)
    _lines(pdf, [letter.signatory, "Signature\u00a0:"], at=_RIGHT)
    pdf.ln(18)
    pdf.set_font(size=9)
    enclosed = "\u00a0; ".join(letter.enclosures)
    _lines(pdf, [f"Pièces jointes\u00a0: {enclosed}."])
    if not all(is_printable(value) for _, value in letter.facts):
        _lines(pdf, [FOOTNOTE])


def _lines(pdf, lines: Sequence[str], at: float = _LEFT) -> None:
    for line in lines:
        if line:
            pdf.set_x(at)
            pdf.multi_cell(0, _LINE, printable(line), align="L", new_x="LMARGIN", new_y="NEXT")


def _fact(pdf, label: str, value: str) -> None:
    pdf.set_x(_LEFT + 6)
    pdf.cell(48, _LINE, printable(f"{label}\u00a0:"))
    shown = printable(value) + ("" if is_printable(value) else f" {REPLACED}")
    pdf.multi_cell(0, _LINE, shown, align="L", new_x="LMARGIN", new_y="NEXT")


def _one(character: str) -> str:
    """One character as it is printed: itself, its letter without marks, or [?]."""
    for form in (character, _SPACES.get(character, ""), _CLOSE.get(character, "")):
        if form and _is_in_typeface(form):
            return form
    base = unicodedata.normalize("NFKD", character)[0]
    if unicodedata.combining(character):
        return ""
    return base if _is_in_typeface(base) else UNKNOWN


def _is_in_typeface(text: str) -> bool:
    try:
        text.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True
