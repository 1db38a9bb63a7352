"""One HTML file that needs nothing beside it; LaTeX that compiles."""

from __future__ import annotations

import html
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import synthetic as syn

from tuneoff.report import figures
from tuneoff.report.cells import Block
from tuneoff.report.frames import Frames, build_frames
from tuneoff.report.page.study_report import write_report
from tuneoff.report.tables.results import table as results_table


def test_the_page_is_self_contained_and_has_everything(results: Path) -> None:
    report = write_report(results / "demo")
    text = report.html.read_text()
    links = re.findall(r'\b(?:src|href)="([^"]*)"', text)
    assert not [m for m in links if not m.startswith(("#", "data:"))]
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", text, flags=re.DOTALL)
    assert [kind.strip() for kind, _ in scripts] == ['type="application/json"', ""]
    assert "default-src 'none'" in text
    assert text.count("<svg") == sum(len(b.figures) for b in report.blocks) >= 6
    assert "Best test acc." in text
    for line in report.blocks[0].findings.sentences():
        assert html.escape(line) in text
    assert text.index(html.escape(report.blocks[0].recommendation.sentence)) < text.index("<svg") < text.index("<table")
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert {m[1:] for m in links if m.startswith("#")} | set(re.findall(r"url\(#([^)]*)\)", text)) <= set(ids)
    for files in report.blocks[0].figures.values():
        ElementTree.parse(files[0])


@pytest.mark.parametrize("name", ["<b>&study", "a_b%"])
def test_names_are_escaped(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "draw_all", lambda *_: {})
    made = syn.search("grid", 0, quality=0.7, study="s", model=name)
    block, frames = next(build_frames([made]).blocks())
    latex = results_table(block, frames).latex()
    assert not re.search(r"(?<!\\)[&%#_](?![^\n]*\\\\)", "".join(latex.split("\\\\")[-1]))
    labelled = syn.search("grid", 0, quality=0.7, study="s", config={"algorithm": {"name": "grid", "label": name}})
    page = write_report(syn.write(tmp_path, labelled).parents[2]).html.read_text()
    assert html.escape(name) in page
    assert "<b>" not in page


def test_latex_has_a_row_for_each_algorithm(block_and_frames: tuple[Block, Frames]) -> None:
    latex = results_table(*block_and_frames).latex()
    assert latex.count(r" \\") == 5
    assert r"$\pm$" in latex
    assert r"\%" in latex
    assert latex.count("{") == latex.count("}")
