"""A study's report as files: two pages, and a folder for each block (task and model).

<study>/report/{report.md, report.html, made.json}
<study>/report/<task>-<model>/{results,budget,ledger, ...}.{md,csv,tex} (report/tables), verdicts.{md,csv}, cells.csv,
                              <figure>.{svg,png}
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tuneoff.garbage import collector_paused
from tuneoff.price import Price
from tuneoff.records.store import must_lead_nowhere_else
from tuneoff.report.cells import Block, ReportError
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames, load_frames
from tuneoff.report.page.chart import chart
from tuneoff.report.page.html import html_page
from tuneoff.report.page.made import write_made
from tuneoff.report.page.markdown import BlockReport, markdown_page
from tuneoff.report.page.predicted import read_predicted
from tuneoff.report.tables import discover_tables, make_tables
from tuneoff.report.verdicts.findings import find
from tuneoff.report.verdicts.headline import headline
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.report.verdicts.recommendation import recommend, rule_of

FOLDER, PAGE, HTML_PAGE = "report", "report.md", "report.html"
FIGURE_SUFFIXES = (".svg", ".png")


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    study: Path
    blocks: tuple[BlockReport, ...]
    page: Path
    html: Path


def write_report(
    study: str | Path, price: Price | None = None, *, draw: bool = True, folder: Path | None = None, margin: float | None = None
) -> StudyReport:
    """Reads the records in a study's folder and writes its report, in place of an earlier one (it can always be made again).

    The last section is what a replay predicted, where `<study>/replay` has it. draw: with figures, which take most of the time;
    without, the files of an earlier report's figures stay as they are. folder: default <study>/report. margin: None for the
    study's own; differences below it don't matter, in the metric's own unit. Raises ReportError without a finished cell,
    RecordError for records that can't be read."""
    study = Path(study)
    must_lead_nowhere_else(study)
    with collector_paused():
        frames = load_frames(study, price)
    studies = sorted(frames.cells["study"].unique())
    if len(studies) > 1:
        raise ReportError(f"{study} holds several studies ({', '.join(studies)}): name one of them")
    if not frames.cells["finished"].any():
        states = ", ".join(f"{c.cell}: {c.status}" for c in frames.cells.itertuples())
        raise ReportError(
            f"{study} has no finished cells yet ({states}): run the study's command again; a "
            "running cell goes on where it stopped, a failed one has to be deleted first"
        )
    predicted = read_predicted(study)
    root = folder or study / FOLDER
    _clear(root, keep_figures=not draw)
    parts = list(frames.blocks())
    names = _folder_names([block for block, _ in parts])
    reports = tuple(
        _write_block(block, part, root / names[block], draw=draw, rule=rule_of(part, block.metric, margin))
        for block, part in parts
    )
    page, html = root / PAGE, root / HTML_PAGE
    page.write_text(markdown_page(study.name, reports, predicted.markdown() if predicted else ""), encoding="utf-8")
    html.write_text(html_page(study.name, reports, predicted.html() if predicted else ""), encoding="utf-8")
    write_made(study, root, price, draw=draw, margin=margin)
    return StudyReport(study=study, blocks=reports, page=page, html=html)


def _clear(root: Path, *, keep_figures: bool) -> None:
    """Removes an earlier report, and nothing else. keep_figures: its figures stay, as files; they are not on the new page."""
    if not root.exists() or not any(root.iterdir()):
        return
    if not (root / PAGE).is_file():
        raise ReportError(f"{root} exists and is not a report of ours (it has no {PAGE}): move it away")
    if not keep_figures:
        shutil.rmtree(root)
        return
    for path in root.rglob("*"):
        if path.is_file() and path.suffix not in FIGURE_SUFFIXES:
            path.unlink()


def _folder_names(blocks: Sequence[Block]) -> dict[Block, str]:
    """<task>-<model>[-<variant>], with protocol and metric where one task-model was run under several."""
    labels = [block.label for block in blocks]
    names = {b: b.label if labels.count(b.label) == 1 else f"{b.label}-{b.protocol}-{b.metric}" for b in blocks}
    return {block: re.sub(r"[^A-Za-z0-9._-]+", "-", name) for block, name in names.items()}


@collector_paused(stays=False)
def _write_block(block: Block, frames: Frames, folder: Path, *, draw: bool, rule: Rule) -> BlockReport:
    folder.mkdir(parents=True, exist_ok=True)
    tables = make_tables(block, frames)
    for name, table in tables.items():
        (folder / f"{name}.md").write_text(table.markdown(), encoding="utf-8")
        (folder / f"{name}.csv").write_text(table.csv(), encoding="utf-8")
        (folder / f"{name}.tex").write_text(table.latex(), encoding="utf-8")
    findings = find(block, frames, rule)
    (folder / "verdicts.md").write_text(findings.markdown(), encoding="utf-8")
    findings.frame().to_csv(folder / "verdicts.csv", index=False)
    frames.cells.to_csv(folder / "cells.csv", index=False)
    drawn, explanations = _draw(block, frames, folder) if draw else ({}, {})
    return BlockReport(
        block=block,
        tables=tables,
        sections={name: part.SECTION for name, part in discover_tables().items()},
        findings=findings,
        figures=drawn,
        folder=folder,
        cells=frames.cells,
        recommendation=recommend(Searches.of(frames), block.metric, rule),
        headline=tuple(headline(block, frames, findings)),
        chart=chart(block, frames),
        explanations=explanations,
    )


def _draw(block: Block, frames: Frames, folder: Path) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """Files and explanation of each figure, by title. matplotlib is loaded here: tables do without."""
    from tuneoff.report import figures

    kinds = figures.discover_figures()
    drawn = {kinds[name].title: files for name, files in figures.draw_all(block, frames, folder).items()}
    return drawn, {kind.title: kind.explanation for kind in kinds.values()}
