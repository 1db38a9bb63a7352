"""A section in parts: the same as JSON, Markdown and HTML, whatever its text holds."""

from __future__ import annotations

from pathlib import Path

from tuneoff.report.page.document import Bullets, Code, Document, Grid, Heading, Paragraph, Picture, read_document
from tuneoff.report.page.predicted import FILE, FOLDER, read_predicted

EVIL = "<script>alert(1)</script>"
MADE = Document(
    title="Which & why",
    made="Today.",
    parts=(
        Heading(text="Budget"),
        Paragraph(text=EVIL),
        Bullets(lines=("one", "two")),
        Code(lines=("a", "b")),
        Grid(title="T", columns=("x", "y"), rows=(("1", EVIL),), notes=("n",)),
        Picture(text="p", file="../../secret.svg"),
        Picture(text="p", file="drawn.svg"),
    ),
)


def test_json_gives_the_same_document_back(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(MADE.json())
    assert read_document(path) == MADE


def test_markdown_has_every_part_at_the_level_that_is_asked_for() -> None:
    text = MADE.markdown(2, "../x/")
    assert text.startswith("## Which & why\n\n### Budget\n")
    assert "- one\n- two" in text
    assert "```\na\nb\n```" in text
    assert "| 1 | <script>" in text
    assert "![p](../x/drawn.svg)" in text
    assert text.endswith("Today.\n")


def test_html_is_escaped_and_no_picture_comes_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text("<svg>secret</svg>")
    folder = tmp_path / "study" / FOLDER
    folder.mkdir(parents=True)
    (folder / FILE).write_text(MADE.json())
    (folder / "drawn.svg").write_text('<?xml version="1.0"?><svg id="a"><use href="#a"/></svg>')
    predicted = read_predicted(tmp_path / "study")
    assert predicted is not None
    html = predicted.html()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") == 2
    assert "secret" not in html
    assert html.count("<svg") == 1
    assert "<pre><code>a\nb</code></pre>" in html
