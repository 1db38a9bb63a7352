"""The report of a block, and all of a study's as one page of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tuneoff.report.cells import Block
from tuneoff.report.tables import BODY, DECISION, DETAILS, Table
from tuneoff.report.verdicts.findings import Findings


@dataclass(frozen=True, kw_only=True)
class BlockReport:
    """The report of one block. tables: by file name, the results first. sections: each table's place on the page.

    figures: title -> files. explanations: how to read each figure, by title. chart: data of the interactive one, or None.
    cells: frame.
    """

    block: Block
    tables: Mapping[str, Table]
    sections: Mapping[str, str]
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

    def section(self, name: str) -> dict[str, Table]:
        """The tables of one section of the page, in order."""
        return {k: t for k, t in self.tables.items() if self.sections[k] == name}


def markdown_page(name: str, reports: Sequence[BlockReport], predicted: str = "") -> str:
    """Figures are linked, relative to the report's folder. predicted: a section in Markdown, the last."""
    parts = [f"# {name}"]
    for report in reports:
        parts += [f"## {report.block.title}", *report.headline, report.results.markdown(), report.findings.markdown()]
        parts += [table.markdown() for section in (DECISION, BODY) for table in report.section(section).values()]
        parts += [
            f"![{title}]({report.folder.name}/{svg_of(files).name})\n\n{title}. {report.explanations.get(title, '')}"
            for title, files in report.figures.items()
        ]
        details = report.section(DETAILS)
        parts += ["### Details", *(table.markdown() for table in details.values())] if details else []
        parts += ["### How the records were made", *commands(report)]
    parts.append(predicted)
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
