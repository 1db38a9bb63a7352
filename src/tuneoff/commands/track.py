"""tuneoff track [STUDY] [--to TRACKER ...] [--set TRACKER.NAME=VALUE ...]   sends a study to trackers
tuneoff track STUDY --optuna FILE.db                                      exports it as an Optuna storage

Sends what the trackers do not have yet: after a search whose tracker was down, or for a study that was run without. Nothing is
sent twice. Without --to: the trackers that the study was run with; their settings are the command's. Keys are taken from the
environment.
"""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tuneoff import plugins
from tuneoff.commands.elsewhere import brought
from tuneoff.commands.entry import print_error, run_command
from tuneoff.commands.report import chosen_studies
from tuneoff.errors import UserError, first_line
from tuneoff.records.store import find_cells, read_header
from tuneoff.redaction import redacted
from tuneoff.report.page.study_report import write_report
from tuneoff.report.wording import counted
from tuneoff.trackers.contracts import Report, TrackerError
from tuneoff.trackers.sending import Sender, trackers_of
from tuneoff.trackers.settings import TOOLS, Chosen, as_settings, chosen_trackers


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0, or 2 with a sentence on stderr for each tracker that did not take all."""
    options = _parser().parse_args(arguments)
    try:
        plugins.load(options.plugins)
        with brought(options.results) as results:
            study = chosen_studies(results, [options.study] if options.study else [])[0]
            if options.optuna:
                from tuneoff.trackers.optuna_storage import export

                print(redacted(export(study, options.optuna)))
            if options.to or not options.optuna:
                return _send(study, _chosen(study, options.to, options.set), draw=not options.no_figures)
    except UserError as error:
        print_error(error)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tuneoff track", description="Sends a study's records to trackers.")
    parser.add_argument("study", nargs="?", metavar="STUDY", help="a study's name, or its folder")
    parser.add_argument("--to", nargs="+", default=[], metavar="TRACKER", help="default: those that the study was run with")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="TRACKER.NAME=VALUE", help="settings, as in mlflow.uri=http://..."
    )
    parser.add_argument("--optuna", metavar="FILE", help="a SQLite file, or an address such as sqlite:///FILE, for a copy")
    parser.add_argument("--results", default="results", metavar="DIR", help="default: results; or an address such as s3://...")
    parser.add_argument("--no-figures", action="store_true", help="send the page without figures, which takes seconds")
    parser.add_argument("--plugins", nargs="*", default=(), metavar="MODULE", help="modules with trackers of your own")
    return parser


def _chosen(study: Path, names: Sequence[str], settings: Sequence[str]) -> tuple[Chosen, ...]:
    """The named trackers, by default those of the study's headers, with the settings that the command gives them. Raises
    TrackerError where the headers have others: who made the records must not decide where a reader's keys and files go."""
    recorded = trackers_of(read_header(cell) for cell in find_cells(study))
    wanted: dict[str, dict[str, Any]] = {name: {} for name in names or recorded}
    for setting in settings:
        name, _, rest = setting.partition(".")
        key, equals, value = rest.partition("=")
        if name not in wanted or not equals:
            raise TrackerError(
                f"--set is given {setting.split('=')[0]!r}, but it must be TRACKER.NAME=VALUE for one of the trackers "
                f"({', '.join(wanted) or 'none yet: give --to'})"
            )
        wanted[name][key] = yaml.safe_load(value)
    for name, given in wanted.items():
        left = as_settings(name, {key: value for key, value in recorded.get(name, {}).items() if key not in given})
        if left:
            raise TrackerError(
                f"{study.name} was run with settings of {name} that say where it goes, and records may be somebody else's: "
                f"to send it there again give --set {left}, or others, or null for the usual place"
            )
    if not wanted:
        raise TrackerError(
            f"{study.name} was run without a tracker: give --to with some of {', '.join(plugins.names('tracker', TOOLS))}"
        )
    return chosen_trackers(wanted)


def _send(study: Path, chosen: Sequence[Chosen], *, draw: bool) -> int:
    code, made = 0, cache(lambda: make_report(study, draw=draw))
    for one in chosen:
        try:
            with closing(Sender(one, study)) as sender:
                sent = sum(sender.send(cell) for cell in find_cells(study))
                report = made()
                extra = " and the report" if report is not None and sender.send_report(report) else ""
            print(f"{one.name}: {counted(sent, 'event')}{extra} sent; it has all of {study.name}")
        except Exception as error:  # whatever the tool raises
            print(f"error: {one.name}: {redacted(first_line(error))}; the same command goes on from there", file=sys.stderr)
            code = 2
    return code


def make_report(study: Path, *, draw: bool = False) -> Report | None:
    """The study's tables and page, made beside its own report; None where no search is finished yet."""
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # it is sent before
    try:
        made = write_report(study, draw=draw, folder=folder)
    except UserError:
        return None
    several = len(made.blocks) > 1
    tables = {
        (f"{block.block.label}/{name}" if several else name): table.markdown()
        for block in made.blocks
        for name, table in block.tables.items()
    }
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.csv"))}
    return Report(study=study.name, tables=tables, page=made.html, files=files)


def command() -> None:
    run_command(main)
