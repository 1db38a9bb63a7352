"""tuneoff report [STUDY] [--results DIR] [--usd-per-device-hour X] [--margin POINTS] [--no-figures]
                            [--plugins MODULE ...]
tuneoff report A B    may these two studies be compared, and what differs
tuneoff report A B --together   several tasks or models: mean ranks, profile and differences over them
tuneoff report --all  every study's report, and a page over all of them: results/index.html

Tables and figures of a study, from its records alone; neither Ray nor torch is needed. Without STUDY: the newest.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from tuneoff import plugins
from tuneoff.commands.elsewhere import brought
from tuneoff.commands.entry import print_error, run_command
from tuneoff.errors import UserError, is_name
from tuneoff.price import Price
from tuneoff.records.remote.address import shown
from tuneoff.records.store import HEADER_FILE, LOG_FILE, must_lead_nowhere_else
from tuneoff.report.cells import ReportError, own_price, read_cells
from tuneoff.report.page.index import Entry, write_index
from tuneoff.report.page.markdown import lead
from tuneoff.report.page.study_report import StudyReport, write_report
from tuneoff.report.page.together import write_together
from tuneoff.report.together import together
from tuneoff.report.verdicts.comparability import compare


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with one sentence on stderr where there is nothing to report on."""
    options = _parser().parse_args(arguments)
    try:
        plugins.load(options.plugins)
        with brought(options.results) as results:
            _report(options, results)
    except UserError as error:
        print_error(error)
        return 2
    return 0


def _report(options: argparse.Namespace, results: Path) -> None:
    price = None if options.usd_per_device_hour is None else own_price(options.usd_per_device_hour)
    margin = _margin(options.margin)
    if options.all:
        _all(results, price, draw=not options.no_figures, margin=margin)
    elif options.together:
        made = together(chosen_studies(results, options.study))
        page = write_together(made, results, draw=not options.no_figures)
        print(page.read_text(encoding="utf-8"))
        print(f"Written: {page}, {page.with_suffix('.html').name} and the unrounded numbers beside it.")
    elif len(options.study) == 2:
        a, b = chosen_studies(results, options.study)
        print(compare((a.name, b.name), read_cells(a), read_cells(b)).text())
    elif len(options.study) > 2:
        raise ReportError(
            "there are more than two studies to compare: name two, or give --together for several tasks, or --all for a "
            "report of each"
        )
    else:
        study = chosen_studies(results, options.study)[0]
        _print(write_report(study, price, draw=not options.no_figures, margin=margin))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tuneoff report", description="Tables and figures of a study, from its records alone."
    )
    parser.add_argument(
        "study",
        nargs="*",
        metavar="STUDY",
        help="a study's name, or its folder (default: the newest); two of them are compared",
    )
    parser.add_argument("--all", action="store_true", help="every study's report, and a page over all of them")
    parser.add_argument("--together", action="store_true", help="what the studies' tasks and models say together")
    parser.add_argument("--results", default="results", metavar="DIR", help="default: results; or an address such as s3://...")
    parser.add_argument("--usd-per-device-hour", type=float, metavar="X", help="your own price instead of the recorded")
    parser.add_argument(
        "--margin",
        type=float,
        metavar="POINTS",
        help="differences below it don't matter: in points where the metric is a share (accuracy), else in the metric's own "
        "unit (default: 1 point or 0.01, or what a study ran with)",
    )
    parser.add_argument("--no-figures", action="store_true", help="tables, verdicts and page only, which takes seconds")
    parser.add_argument(
        "--plugins", nargs="*", default=(), metavar="MODULE", help="modules with figures and tables of your own"
    )
    return parser


def _all(results: Path, price: Price | None, *, draw: bool, margin: float | None) -> None:
    """A study without a finished cell has no report; the index says why."""
    entries = []
    for study in chosen_studies(results, [], everything=True):
        try:
            made = write_report(checked_study(study, results), price, draw=draw, margin=margin)
            entries.append(Entry(study=study.name, reports=made.blocks, link=made.html.relative_to(results).as_posix()))
        except UserError as error:
            entries.append(Entry(study=study.name, reason=str(error)))
        print(f"{study.name}: {entries[-1].link or entries[-1].reason}")
    print(f"Written: {write_index(results, entries)}")


def _margin(given: float | None) -> float | None:
    """As it was given: what it means depends on a block's metric."""
    if given is not None and not 0 < given < math.inf:
        raise ReportError(
            f"--margin is {given:g}, but it must be above 0: give it in points of a share, for example --margin 0.5, or in the "
            "unit of another metric"
        )
    return given


def _studies(results: Path) -> list[Path]:
    """Folders below `results` that hold cells, the one written to last first."""

    def newest(study: Path) -> float:
        return max((p.stat().st_mtime for name in (HEADER_FILE, LOG_FILE) for p in study.rglob(name)), default=0.0)

    folders = [p for p in results.iterdir() if p.is_dir()] if results.is_dir() else []
    return sorted((f for f in folders if next(f.rglob(HEADER_FILE), None)), key=lambda f: (-newest(f), f.name))


def chosen_studies(results: Path, names: Sequence[str], everything: bool = False) -> list[Path]:
    """Folders of the named studies; of the newest where none is named. Raises ReportError where there is none."""
    there = _studies(results)
    if not there and not any(Path(name).is_dir() for name in names):
        raise ReportError(
            f"{shown(results)} holds no studies: run one first, for example tuneoff run "
            "algorithm=random, or say where they are with --results DIR"
        )
    if everything:
        return there
    if not names:
        if len(there) > 1:
            print(f"The newest study is {there[0].name}; there are also {', '.join(f.name for f in there[1:])}.\n")
        return [checked_study(there[0], results)]
    return [_find(name, results, there) for name in names]


def _find(name: str, results: Path, there: Sequence[Path]) -> Path:
    for folder in study_folders(name, results):
        if folder.is_dir():
            return checked_study(folder, results)
    raise ReportError(f"there is no study {name!r} in {shown(results)}; there are {', '.join(f.name for f in there)}")


def study_folders(name: str, results: Path) -> tuple[Path, ...]:
    """Where the study may be: a name in the results, else a folder as it was typed."""
    return (results / name, Path(name)) if is_name(name) else (Path(name),)


def checked_study(study: Path, results: Path) -> Path:
    """The study. Raises ReportError where it is in the results by a link alone, RecordError where a link leads out of it: a
    report is written into it."""
    if study.parent == results and not study.resolve().is_relative_to(results.resolve()):
        raise ReportError(f"{study} is a link out of the results: give the study's own folder, {study.resolve()}")
    must_lead_nowhere_else(study)
    return study


def _print(report: StudyReport) -> None:
    for block in report.blocks:
        print("\n\n".join(lead(block)) + "\n")
        print(block.results.markdown())
        print(block.findings.markdown())
    drawn = sum(len(block.figures) for block in report.blocks)
    folders = ", ".join(str(block.folder) for block in report.blocks)
    print(
        f"Written: {report.html} (one file, to read or send), {report.page}, and in {folders} every table as "
        f"Markdown, CSV and LaTeX and {drawn} figures as SVG and PNG."
    )


def command() -> None:
    run_command(main)
