"""Trackio, in its store on this machine: a project a study, a group a search, runs its trials and the search itself.

Trackio has one run open in a process: points wait until they are flushed, run by run. It swallows its own errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuneoff.errors import check_text
from tuneoff.plugins import register
from tuneoff.trackers.contracts import (
    Evaluated,
    Place,
    Plain,
    Report,
    Search,
    SearchProgress,
    SearchState,
    Tracker,
    TrackerError,
    Trial,
    TrialEnded,
)

REPORT, DIRECTORY = "report", "TRACKIO_DIR"


@dataclass(frozen=True, kw_only=True)
class TrackioSettings:
    project: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        for name in ("project", "folder"):
            if getattr(self, name) is not None:
                check_text(f"tracker.trackio.{name}", getattr(self, name), "text, or null", TrackerError)


@dataclass
class _Run:
    group: str
    config: Mapping[str, Plain]
    points: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Steps (examples) and values that wait for the next flush."""
    last: int = 0
    """The last step."""

    def put(self, step: int, values: Mapping[str, Any]) -> None:
        self.points.append((step, dict(values)))
        self.last = step


@register("tracker", "trackio")
class Trackio(Tracker):
    Settings = TrackioSettings
    packages = ("trackio",)
    extra = "trackio"

    @classmethod
    def destination(cls, settings: TrackioSettings, place: Place) -> str:
        return f"{_folder(settings, place)} {settings.project or place.study}"

    def __init__(self, settings: TrackioSettings, place: Place) -> None:
        os.environ[DIRECTORY] = str(_folder(settings, place))  # read when trackio is imported
        import trackio

        self._trackio: Any = trackio
        self._project = settings.project or place.study
        self._runs: dict[str, _Run] = {}

    def begin_search(self, search: Search) -> None:
        self._runs[search.name] = _Run(search.name, {**search.settings, **search.tags})

    def begin_trial(self, trial: Trial) -> None:
        self._runs[trial.path] = _Run(trial.search.name, {**trial.hparams, "phase": trial.phase, **trial.search.tags})

    def evaluated(self, event: Evaluated) -> None:
        lineage = {"lineage": "; ".join(event.lineage)} if event.lineage else {}
        self._runs[event.trial.path].put(event.examples, {**event.values, **lineage})

    def trial_ended(self, event: TrialEnded) -> None:
        run = self._runs[event.trial.path]
        words = {"status": event.status, "reason": event.reason, "lineage": "; ".join(event.lineage)}
        run.put(run.last, event.totals | words)

    def progress(self, event: SearchProgress) -> None:
        self._runs[event.search.name].put(event.examples, event.values)

    def search_state(self, state: SearchState) -> None:
        run = self._runs[state.search.name]
        winner = {f"winner/{name}": value for name, value in state.winner.items()}
        run.put(run.last, state.totals | winner | {"status": state.status})

    def report(self, report: Report) -> None:
        run = self._runs[REPORT] = _Run(REPORT, {})
        run.put(0, {title: self._trackio.Markdown(table) for title, table in report.tables.items()})
        run.put(0, {"page": self._trackio.Html(report.page.read_text(encoding="utf-8"))})

    def flush(self) -> None:
        for path, run in self._runs.items():
            if not run.points:
                continue
            quiet = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
            given = {"group": run.group, "config": dict(run.config), "resume": "allow"}
            opened = self._trackio.init(self._project, name=path, **given, **quiet)
            for step, values in run.points:
                opened.log(values, step=step)
            opened.finish()
            run.points.clear()


def _folder(settings: TrackioSettings, place: Place) -> Path:
    given = settings.folder or os.environ.get(DIRECTORY)
    return Path(given).expanduser().resolve() if given else place.folder / "trackio"
