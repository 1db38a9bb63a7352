"""The report of a block, and all of a study's as one page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.tables import BODY, DECISION, DETAILS, Table
from tuneoff.report.verdicts.findings import Findings
from tuneoff.report.verdicts.pairwise import difference
from tuneoff.report.verdicts.recommendation import Recommendation

FIRST = {
    "Test scores, the best first": "Bars: 95 % intervals of the means. Dots: repeats. Shaded: within the margin of the best.",
    "Accuracy against cost: what each search reached, and what it was charged": "Means over repeats, with 95 % intervals.",
}
"""Titles of the figures on the first screen, each with how it is read, in a line."""


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
    recommendation: Recommendation | None = None
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
        parts += [f"## {report.block.title}", *lead(report), *first_figures(report)]
        parts += [report.results.markdown(), report.findings.markdown()]
        parts += [table.markdown() for section in (DECISION, BODY) for table in report.section(section).values()]
        parts += [_linked(report, title) for title in report.figures if title not in FIRST]
        details = report.section(DETAILS)
        parts += ["### Details", *(table.markdown() for table in details.values())] if details else []
        parts += ["### How the records were made", *commands(report)]
    parts.append(predicted)
    return "\n\n".join(part.rstrip() for part in parts if part) + "\n"


def lead(report: BlockReport) -> list[str]:
    """What to do, three numbers, and the verdict in sentences."""
    made = report.recommendation
    if made is None:
        return list(report.headline)
    numbers = [f"- {what}: {value} ({note})" for what, value, note in three_numbers(made, report.cells)]
    return [f"**{made.sentence}**", *made.notes, "\n".join(numbers), *report.headline]


def about(report: BlockReport) -> str:
    """The task, the model, what a search was given, and how often it was repeated, in a line."""
    b, cells, made = report.block, report.cells, report.recommendation
    budgets = sorted({str(value) for value in cells["budget"] if value})
    given = [f"{wording.listed(budgets)} a search"] if budgets else []
    repeats = [wording.counted(made.repeats, "repeat")] if made else []
    rows = [f"{part} on {int(cells[f'n_{part}'].max()):,} rows" for part in ("validation", "test")]
    return "; ".join([f"task {b.task}, model {b.model}, protocol {b.protocol}, {b.metric}", *given, *repeats, *rows])


def first_figures(report: BlockReport) -> list[str]:
    return [_linked(report, title) for title in FIRST if title in report.figures]


def _linked(report: BlockReport, title: str) -> str:
    file = svg_of(report.figures[title]).name
    return f"![{title}]({report.folder.name}/{file})\n\n{title}. {report.explanations.get(title, '')}"


def three_numbers(made: Recommendation, cells: pd.DataFrame) -> list[tuple[str, str, str]]:
    """(what, value, what it means): gain over the untuned default, price, how sure."""
    device, point = wording.device_label(cells["device_kind"]), wording.size(made.margin, made.metric)
    if made.gain is not None:
        interval = ", with its 95 % interval" if math.isfinite(made.gain.low) else ""
        gain = (
            difference(made.gain, made.metric),
            f"{made.name} over the untuned default, on test{interval}{_over_random(made)}",
        )
    elif made.untuned == made.name:
        gain = ("none", "it is the untuned default itself")
    else:
        gain = ("unknown", "there is no run of the untuned default: add algorithm=default")
    price = (
        f"${format_dollars(made.dollars)}",
        f"{made.minutes:.3g} charged {device}-minutes a search, mean of {wording.counted(made.repeats, 'repeat')}",
    )
    if made.missing:
        sure = (f"{made.repeats} of {made.repeats + made.missing} repeats", "there are too few for a test")
    elif not made.rivals:
        sure = ("–", "nothing to compare it with")
    else:
        sure = (wording.chance(made.sure), f"probability that no other search here is better by more than {point}")
    names = ("Gain over untuned", "Price of a search", "How sure")
    return [(name, value, note) for name, (value, note) in zip(names, (gain, price, sure), strict=True)]


def _over_random(made: Recommendation) -> str:
    """The gain over random search too, where that is another search: what a poor default can't inflate."""
    random = next((rival for rival in made.rivals if rival.name == made.random), None)
    return "" if random is None else f"; over {random.name}: {difference(-random.lead, made.metric)}"


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
        f"`tuneoff report {study}` makes every table, figure and sentence of this page again from the "
        f"records; unrounded numbers are in report/{report.folder.name}/*.csv"
    )


def svg_of(files: Sequence[Path]) -> Path:
    return next(f for f in files if f.suffix == ".svg")
