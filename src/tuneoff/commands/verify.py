"""tuneoff verify [STUDY ...] [--results DIR] [--rows] [--no-figures] [--records] [--all] [--plugins MODULE ...]

Derives a study's report again from its records and compares every file, and checks the records themselves: seals, hashes,
splits, seeds, sums, progress, lineage, scores. Exit code 0 where all agrees, 2 with each discrepancy on a line of its own.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from tuneoff import plugins
from tuneoff.commands.elsewhere import brought
from tuneoff.commands.entry import print_error, run_command
from tuneoff.commands.report import chosen_studies
from tuneoff.errors import UserError
from tuneoff.report.wording import counted
from tuneoff.verification.report_checks import Options
from tuneoff.verification.rows import Rows
from tuneoff.verification.study import Verification, verify, verify_records

MOST = 20
"""Discrepancies that are shown of one file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with the discrepancies on stdout, or with a message on stderr where there is no study."""
    options = _parser().parse_args(arguments)
    try:
        plugins.load(options.plugins)
        rows, clean = Rows(everything=options.rows), True
        with brought(options.results, heavy=True) as results:  # whether there is a model is part of the records
            for study in chosen_studies(results, options.study):
                found = verify_records(study, rows) if options.records else verify(study, rows, _remade(options))
                print("\n".join(_said(study.name, found, MOST if not options.all else sys.maxsize)))
                clean = clean and not found.discrepancies
    except UserError as error:
        print_error(error)
        return 2
    return 0 if clean else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tuneoff verify", description="Is a study as it was written, and does its report follow from its records?"
    )
    parser.add_argument("study", nargs="*", metavar="STUDY", help="a study's name, or its folder (default: the newest)")
    parser.add_argument("--results", default="results", metavar="DIR", help="default: results; or an address such as s3://...")
    parser.add_argument(
        "--rows", action="store_true", help="read the task's rows where its settings say, and check splits and scores by them"
    )
    parser.add_argument("--no-figures", action="store_true", help="don't draw the figures again, which takes most of the time")
    parser.add_argument("--records", action="store_true", help="the records only, not the report")
    parser.add_argument("--all", action="store_true", help=f"every discrepancy, not {MOST} a file")
    parser.add_argument(
        "--usd-per-device-hour", type=float, metavar="X", help="the own price that a report without made.json was made with"
    )
    parser.add_argument(
        "--plugins", nargs="*", default=(), metavar="MODULE", help="modules with figures, tables and tasks of your own"
    )
    return parser


def _remade(options: argparse.Namespace) -> Options:
    return Options(figures=False if options.no_figures else None, usd_per_device_hour=options.usd_per_device_hour)


def _said(name: str, found: Verification, most: int) -> list[str]:
    """The discrepancies, at most `most` of a file, then the remarks, then what was checked."""
    lines, count = [], Counter[str]()
    for one in found.discrepancies:
        count[one.file] += 1
        if count[one.file] <= most:
            lines.append(one.line())
    lines += [f"{file}: {n - most} more, shown by --all" for file, n in count.items() if n > most]
    lines += [f"remark: {remark}" for remark in found.remarks]
    checked = f"{counted(found.cells, 'cell')} ({found.sealed} sealed), {counted(found.evaluations, 'evaluation')}"
    result = f"{len(found.discrepancies)} discrepancies" if found.discrepancies else "no discrepancy"
    return [*lines, f"{name}: {result} in {checked}"]


def command() -> None:
    run_command(main)
