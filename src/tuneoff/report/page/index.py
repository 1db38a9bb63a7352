"""One page over all studies of a results folder, with a link to each study's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.page.html import frame, verdict
from tuneoff.report.page.markdown import BlockReport

PAGE = "index.html"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A study of the index: its reports, or why it has none."""

    study: str
    reports: tuple[BlockReport, ...] = ()
    link: str = ""
    """To its page, relative to the results folder."""
    reason: str = ""


def write_index(results: Path, entries: Sequence[Entry]) -> Path:
    page = results / PAGE
    page.write_text(index_page(entries), encoding="utf-8")
    return page


def index_page(entries: Sequence[Entry]) -> str:
    """HTML; studies with a report first, each kind in the order given."""
    parts = [
        "<h1>Studies</h1>",
        f"<p>{wording.counted(len(entries), 'folder')} below this one, the one written to last "
        "first. Made by <code>tuneoff report --all</code>.</p>",
    ]
    ordered = sorted(entries, key=lambda entry: not entry.reports)
    return frame("Studies", "\n".join([*parts, *(_entry(entry) for entry in ordered)]))


def _entry(entry: Entry) -> str:
    if not entry.reports:
        return f"<h2>{escape(entry.study)}</h2><p>No report: {escape(entry.reason)}</p>"
    title = f'<h2><a href="{quote(entry.link)}">{escape(entry.study)}</a></h2>'
    return title + "".join(_block(report) for report in entry.reports)


def _block(report: BlockReport) -> str:
    """What it is about, how much it can say, what it says."""
    b, cells, made = report.block, report.cells, report.recommendation
    done = cells[cells["finished"]]
    evidence = (
        f"{wording.counted(made.repeats, 'repeat')} of every search" if made else "no repeat with a test score of every search"
    )
    facts = (
        f"{b.title}, protocol {b.protocol}: {wording.listed(list(dict.fromkeys(report.results.numbers['algorithm'])))}; "
        f"{evidence}; {wording.counted(len(done), 'finished cell')} of {len(cells)}, "
        f"${format_dollars(float(cells['dollars'].sum()))} charged, begun {cells['started_utc'].min()[:10]}"
    )
    return f"<p>{escape(facts)}.</p>{verdict([made.sentence, *made.notes] if made else report.headline)}"
