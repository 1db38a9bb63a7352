"""The report as one page of Markdown, and as one HTML file that needs nothing beside it (see html.py)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tuneoff.report.evidence import Findings
from tuneoff.report.reading import Block
from tuneoff.report.table import Table

DETAILS = ("summary", "improvement", "maximum")
"""Tables for those who want to look closer; the page folds them away."""


@dataclass(frozen=True, kw_only=True)
class BlockReport:
    """What was made of one task and model. tables: by file name, the results first. figures: title -> files.

    explanations: how to read each figure, by title. chart: what the interactive one draws, or None. cells: frame.
    """

    block: Block
    tables: Mapping[str, Table]
    findings: Findings
    figures: Mapping[str, Sequence[Path]]
    folder: Path
    cells: pd.DataFrame
    headline: tuple[str, ...] = ()
    explanations: Mapping[str, str] = field(default_factory=dict)
    chart: Mapping[str, Any] | None = None

    @property
    def results(self) -> Table:
        return self.tables["results"]

    def shown(self, details: bool) -> dict[str, Table]:
        """The tables after the first one: those of the page's body, or those of its details."""
        return {k: t for k, t in self.tables.items() if k != "results" and (k in DETAILS) == details}


def markdown_page(name: str, reports: Sequence[BlockReport]) -> str:
    """Figures are linked, relative to the report's folder."""
    parts = [f"# {name}"]
    for report in reports:
        parts += [
            f"## {report.block.task} with {report.block.model}",
            *report.headline,
            report.results.markdown(),
            report.findings.markdown(),
        ]
        parts += [table.markdown() for table in report.shown(details=False).values()]
        parts += [
            f"![{title}]({report.folder.name}/{svg_of(files).name})\n\n{title}. {report.explanations.get(title, '')}"
            for title, files in report.figures.items()
        ]
        details = report.shown(details=True)
        parts += ["### Details", *(table.markdown() for table in details.values())] if details else []
        parts += ["### How the records were made", *commands(report)]
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def commands(report: BlockReport) -> list[str]:
    """Each different command, with the cells it made; then the one for every number on the page."""
    groups = report.cells.groupby("command", sort=False)["cell"].apply(list)
    made = [
        f"- `{command}` made {', '.join(cells) if len(cells) <= 3 else f'{len(cells)} cells'}"
        for command, cells in groups.items()
    ]
    return ["\n".join([*made, f"- {reproduce(report)}"])]


def reproduce(report: BlockReport) -> str:
    study = report.cells["study"].iloc[0]
    return (
        f"`python -m benchmarks.report {study}` makes every table, figure and sentence of this page again from the "
        f"records; unrounded numbers are in report/{report.folder.name}/*.csv"
    )


def svg_of(files: Sequence[Path]) -> Path:
    return next(f for f in files if f.suffix == ".svg")
