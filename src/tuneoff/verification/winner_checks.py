"""`winner.yaml` against the one that the search's log gives now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tuneoff.records.command_line import OLD_RUN, RUN
from tuneoff.records.schema import Cell
from tuneoff.records.store import WINNER_FILE
from tuneoff.records.winner import winner_of, winner_text
from tuneoff.verification.discrepancy import Discrepancy, Log
from tuneoff.verification.texts import compare_texts


def check_winner(file: str, folder: Path, search: Log) -> Iterator[Discrepancy]:
    """Line by line. folder: of the cell."""
    found = (folder / WINNER_FILE).read_text(encoding="utf-8", errors="replace").replace(OLD_RUN, RUN)
    cell = Cell(path=folder, header=search.header, records=search.records)
    yield from compare_texts(file, found, winner_text(winner_of(cell)))
