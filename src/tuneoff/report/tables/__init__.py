"""Tables, one file each, found by file name; those from outside the repository under the kind "table" of tuneoff.plugins.

A table's module, or the class that a plug-in registers, has
  SECTION                          where on the page it stands, one of SECTIONS
  RANK                             its place there, ascending
  table(block, frames) -> Table | None   pure; None where the study lacks what the table needs
`frames` are those of one block. To add a table, add a file.
"""

from __future__ import annotations

from typing import Protocol

from tuneoff import plugins
from tuneoff.report.cells import Block, ReportError
from tuneoff.report.frames import Frames
from tuneoff.report.tables._table import Table

__all__ = ["BODY", "DECISION", "DETAILS", "RESULTS", "SECTIONS", "Table", "TablePart", "discover_tables", "make_tables"]

RESULTS, DECISION, BODY, DETAILS = "results", "decision", "body", "details"
SECTIONS = (RESULTS, DECISION, BODY, DETAILS)
"""In the order of the page. decision: before the figures; body: after them; details: folded away."""


class TablePart(Protocol):
    """The names that a table's module or class has."""

    SECTION: str
    RANK: int

    @staticmethod
    def table(block: Block, frames: Frames) -> Table | None: ...


def discover_tables() -> dict[str, TablePart]:
    """Every table by name, in the order of the page. ReportError where one names a section that does not exist."""
    parts: dict[str, TablePart] = {name: plugins.find("table", name, __name__) for name in plugins.names("table", __name__)}
    for name, part in parts.items():
        if part.SECTION not in SECTIONS:
            raise ReportError(f"the table {name!r} has SECTION={part.SECTION!r}, but it must be one of {', '.join(SECTIONS)}")
    return dict(sorted(parts.items(), key=lambda item: (SECTIONS.index(item[1].SECTION), item[1].RANK, item[0])))


def make_tables(block: Block, frames: Frames) -> dict[str, Table]:
    """Every table that the block has numbers for, by name, in the order of the page."""
    made = {name: part.table(block, frames) for name, part in discover_tables().items()}
    return {name: table for name, table in made.items() if table is not None}
