"""Sends to a tracker what a cell's logs hold and it does not have yet. The logs are the source, a small file the bookmark."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tuneoff.records.identity import digest
from tuneoff.records.schema import Cell, Header
from tuneoff.records.store import HEADER_FILE, LOG_FILE, RETRAIN_FILE, TRACKED_FOLDER, load_cell
from tuneoff.trackers.contracts import (
    RETRAINING,
    SEARCH,
    Evaluated,
    Event,
    Place,
    Report,
    SearchProgress,
    Tracker,
    TrackerError,
    TrialBegan,
    TrialEnded,
)
from tuneoff.trackers.events import events, search_of, state
from tuneoff.trackers.settings import Chosen

BATCH = 100
"""Events between two notes of what was sent."""
_PHASES = {LOG_FILE: SEARCH, RETRAIN_FILE: RETRAINING}


def place_of(study: Path) -> Place:
    """study: its folder."""
    return Place(folder=study.resolve().parent / TRACKED_FOLDER, study=study.resolve().name)


@dataclass
class Bookmark:
    """Events of each log that were sent, and the last state that was said; of one cell and one destination."""

    file: Path
    cell: str
    sent: dict[str, int]
    said: str = ""

    @classmethod
    def read(cls, file: Path, cell: str) -> Bookmark:
        """One of another cell in the same place (deleted, and run again) counts for nothing."""
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, json.JSONDecodeError):
            values = {}
        if values.get("cell") != cell:
            values = {}
        return cls(file, cell, dict(values.get("sent", {})), str(values.get("said", "")))

    def write(self) -> None:
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"cell": self.cell, "sent": self.sent, "said": self.said}) + "\n", encoding="utf-8")
        temporary.replace(self.file)


class Sender:
    """One tracker on one study, from its first search to `close`. The tool is connected to when there is something to send."""

    def __init__(self, chosen: Chosen, study: Path) -> None:
        self._chosen, self._place = chosen, place_of(study)
        name = f"{chosen.name}-{digest(chosen.destination(self._place))[:6]}"
        self._bookmarks = self._place.folder / "state" / name / self._place.study
        self._tracker: Tracker | None = None
        self._begun: set[str] = set()

    def send(self, cell: Path) -> int:
        """Returns how many events were sent. Raises whatever the tool raises; what was sent before is noted."""
        logs = {log: load_cell(cell, log) for log in _PHASES if (cell / log).exists() and (cell / HEADER_FILE).exists()}
        if not logs:
            return 0
        one = next(iter(logs.values()))
        search, total = search_of(one.header), 0
        with self._bookmark(search.name.replace("/", "--"), f"{one.header.config_hash} {one.header.started_utc}") as mark:
            for log, read in logs.items():
                total += self._send_events(mark, log, events(read, _PHASES[log]))
            self._send_state(mark, logs.get(LOG_FILE), total > 0)
        return total

    def send_report(self, report: Report) -> bool:
        """Whether it was sent: not where the tracker already has the same one."""
        mark_of = digest([dict(report.tables), report.page.read_text(encoding="utf-8")])
        with self._bookmark("report", "report") as mark:
            if mark.said == mark_of:
                return False
            tracker = self._open()
            tracker.report(report)
            tracker.flush()
            mark.said = mark_of
            mark.write()
        return True

    def close(self) -> None:
        tracker, self._tracker = self._tracker, None
        self._begun.clear()
        if tracker is not None:
            tracker.close()

    def _send_events(self, mark: Bookmark, log: str, found: list[Event]) -> int:
        sent = mark.sent.get(log, 0)
        for first in range(sent, len(found), BATCH):
            batch = found[first : first + BATCH]
            tracker = self._open()
            for event in batch:
                self._begin(tracker, event)
                _give(tracker, event)
            tracker.flush()
            mark.sent[log] = first + len(batch)
            mark.write()
        return max(len(found) - sent, 0)

    def _send_state(self, mark: Bookmark, cell: Cell | None, changed: bool) -> None:
        stands = state(cell) if cell is not None else None
        if stands is None or (mark.said == digest(asdict(stands)) and not changed):
            return
        tracker = self._open()
        if stands.search.name not in self._begun:
            tracker.begin_search(stands.search)
            self._begun.add(stands.search.name)
        tracker.search_state(stands)
        tracker.flush()
        mark.said = digest(asdict(stands))
        mark.write()

    def _begin(self, tracker: Tracker, event: Event) -> None:
        """Lets the tracker find the runs that an earlier feed has begun."""
        trial = None if isinstance(event, SearchProgress) else event.trial
        search = event.search if isinstance(event, SearchProgress) else event.trial.search
        if search.name not in self._begun:
            tracker.begin_search(search)
            self._begun.add(search.name)
        if trial is not None and trial.path not in self._begun:
            tracker.begin_trial(trial)
            self._begun.add(trial.path)

    def _open(self) -> Tracker:
        if self._tracker is None:
            self._tracker = self._chosen.open(self._place)
        return self._tracker

    @contextmanager
    def _bookmark(self, name: str, cell: str) -> Iterator[Bookmark]:
        """Locked, so that no two processes send the same."""
        self._bookmarks.mkdir(parents=True, exist_ok=True)
        with (self._bookmarks / f"{name}.lock").open("w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise TrackerError(
                    f"another process is sending {self._place.study} to {self._chosen.name}: wait for it, or for its search"
                ) from error
            yield Bookmark.read(self._bookmarks / f"{name}.json", cell)


def _give(tracker: Tracker, event: Event) -> None:
    match event:
        case Evaluated():
            tracker.evaluated(event)
        case TrialEnded():
            tracker.trial_ended(event)
        case SearchProgress():
            tracker.progress(event)
        case TrialBegan():
            pass


def trackers_of(headers: Iterable[Header]) -> Mapping[str, Mapping[str, Any]]:
    """The trackers that the searches of a study were run with; the newest settings of each count."""
    found: dict[str, Mapping[str, Any]] = {}
    for header in sorted(headers, key=lambda h: h.started_utc):
        found |= header.config.get("tracker") or {}
    return found
