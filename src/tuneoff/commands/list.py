"""tuneoff list [KIND ...] [--plugins MODULE ...] [--config-dir DIR]   every part that a command can name, one line each

Kinds: algorithm, task, model, tracker, preset (files of the configuration), metric and figure (classes).
"""

from __future__ import annotations

import argparse
import re
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tuneoff import plugins
from tuneoff.commands.composition import CONF
from tuneoff.commands.entry import print_error, run_command
from tuneoff.errors import UserError
from tuneoff.report.figures import discover_figures
from tuneoff.task.kinds import find_metric, metric_names

GROUPS = ("algorithm", "task", "model", "tracker", "preset")
NARROWEST = 60
_COMMENT = re.compile(r"^# (?!@)(.+)$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        plugins.load(options.plugins)
    except UserError as error:
        print_error(error)
        return 2
    folders = [CONF, *([options.config_dir] if options.config_dir else [])]
    for kind in options.kinds or KINDS:
        print(f"{kind}\n{_lines(KINDS[kind](folders))}")
    return 0


def choices(group: str, folders: Sequence[Path]) -> dict[str, str]:
    """The group's files below each folder of configuration, and the first comment of each."""
    files = [file for folder in folders for file in sorted((folder / group).glob("*.yaml"))]
    return {file.stem: _first_comment(file) for file in files}


def metrics(_: Sequence[Path]) -> dict[str, str]:
    return {name: _first_sentence(type(find_metric(name)).__doc__) for name in metric_names()}


def figures(_: Sequence[Path]) -> dict[str, str]:
    return {name: figure.title for name, figure in discover_figures().items()}


def _group(name: str) -> Callable[[Sequence[Path]], dict[str, str]]:
    return lambda folders: choices(name, folders)


KINDS: dict[str, Callable[[Sequence[Path]], dict[str, str]]] = {
    **{group: _group(group) for group in GROUPS},
    "metric": metrics,
    "figure": figures,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tuneoff list", description="Every part that a command can name, one line each.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", choices=[*KINDS, []], help=f"of {', '.join(KINDS)}; default: all")
    parser.add_argument("--plugins", nargs="*", default=(), metavar="MODULE", help="modules with parts of your own")
    parser.add_argument("--config-dir", type=Path, metavar="DIR", help="your own folder of configuration")
    return parser


def _lines(parts: Mapping[str, str]) -> str:
    widest = max(map(len, parts), default=0)
    room = max(shutil.get_terminal_size().columns - widest - 4, NARROWEST)
    shown = {name: textwrap.shorten(text, room, placeholder=" ...") for name, text in parts.items()}
    return "\n".join(f"  {name:{widest}}  {text}".rstrip() for name, text in shown.items())


def _first_comment(file: Path) -> str:
    found = _COMMENT.search(file.read_text(encoding="utf-8"))
    return found[1].strip() if found else ""


def _first_sentence(text: str | None) -> str:
    return " ".join((text or "").strip().partition("\n\n")[0].split())


def command() -> None:
    run_command(main)
