"""What a replay predicted for the study, as the page's last section: never in a table or a verdict of real repeats.

A report knows no replay: it shows what `tuneoff replay STUDY` left in the study's folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tuneoff.report.cells import ReportError
from tuneoff.report.page.document import Bullets, Code, Document, Grid, Heading, Paragraph, Part, Picture, read_document
from tuneoff.report.page.html import grid, inline_svg, items

FOLDER, FILE = "replay", "predicted.json"
TITLE = "Predicted, not run"
LEAD = (
    "From here on nothing is a result. Searches were replayed on recorded curves; no number below is a repeat that was run, "
    "but where it says so."
)


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """folder: of the document and its pictures."""

    document: Document
    folder: Path

    def markdown(self) -> str:
        """For a page in a folder beside it."""
        return f"## {TITLE}\n\n{LEAD}\n\n{self.document.markdown(3, f'../{self.folder.name}/')}"

    def html(self) -> str:
        parts = "\n".join(_html(part, self.folder, number) for number, part in enumerate(self.document.parts))
        return (
            f'<section class="predicted" id="predicted"><h2>{TITLE}</h2><p><strong>{escape(LEAD)}</strong></p>'
            f'<h3>{escape(self.document.title)}</h3>\n{parts}\n<p class="made">{escape(self.document.made)}</p></section>'
        )


def read_predicted(study: Path) -> Predicted | None:
    """None where nothing was replayed. Raises ReportError for a file that can't be read."""
    path = study / FOLDER / FILE
    if not path.exists():
        return None
    try:
        return Predicted(document=read_document(path), folder=path.parent)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"{path} is not what a replay leaves ({type(error).__name__}: {error}): make it again with tuneoff replay "
            f"{study.name}, or delete it"
        ) from error


def _html(part: Part, folder: Path, number: int) -> str:
    match part:
        case Heading(text=text):
            return f"<h3>{escape(text)}</h3>"
        case Paragraph(text=text):
            return f"<p>{escape(text)}</p>"
        case Bullets(lines=lines):
            return items(lines)
        case Code(lines=lines):
            return f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"
        case Grid(title=title, columns=columns, rows=rows, notes=notes):
            return f"<p><strong>{escape(title)}</strong></p>{grid(columns, rows, title)}{items(notes, 'notes')}"
        case Picture():
            return "".join(_picture(part, folder, number))


def _picture(part: Picture, folder: Path, number: int) -> Iterator[str]:
    """Nothing where the file is not there any more; a document does not lead to other folders."""
    path = folder / Path(part.file).name
    if path.suffix == ".svg" and path.is_file():
        svg = inline_svg(path, f"p{number}-").replace(
            "<svg", f'<svg role="img" aria-label="{escape(part.text, quote=True)}"', 1
        )
        yield f"<figure>{svg}<figcaption>{escape(part.text)}</figcaption></figure>"
