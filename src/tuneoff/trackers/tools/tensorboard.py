"""TensorBoard's event files: <folder>/<study>/<search>/<trial>, the search's own curves in the folder above its trials."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tuneoff.errors import check_text
from tuneoff.plugins import register
from tuneoff.trackers.contracts import (
    Evaluated,
    Place,
    Report,
    Search,
    SearchProgress,
    SearchState,
    Tracker,
    TrackerError,
    Trial,
    TrialEnded,
)


@dataclass(frozen=True, kw_only=True)
class TensorBoardSettings:
    folder: str | None = None

    def __post_init__(self) -> None:
        if self.folder is not None:
            check_text(
                "tracker.tensorboard.folder", self.folder, "a folder, or null for results/tracked/tensorboard", TrackerError
            )


@register("tracker", "tensorboard")
class TensorBoard(Tracker):
    """Writes with tensorboardX, which Ray Tune brings along; torch is not imported."""

    Settings = TensorBoardSettings
    packages = ("tensorboardX",)
    extra = "tensorboard"

    @classmethod
    def destination(cls, settings: TensorBoardSettings, place: Place) -> str:
        return str(_folder(settings, place))

    def __init__(self, settings: TensorBoardSettings, place: Place) -> None:
        self._folder = _folder(settings, place) / place.study
        self._writers: dict[str, Any] = {}
        self._opened = count()

    def begin_search(self, search: Search) -> None:
        self._writer(search.name)

    def begin_trial(self, trial: Trial) -> None:
        self._writer(trial.path)

    def evaluated(self, event: Evaluated) -> None:
        self._scalars(event.trial.path, event.values, event.examples, event.at)

    def trial_ended(self, event: TrialEnded) -> None:
        """The trial's row in the HPARAMS tab, then its last word."""
        from tensorboardX.summary import hparams

        writer = self._writer(event.trial.path)
        shown = {name: "null" if value is None else value for name, value in event.hparams.items()}
        words = {"algorithm": event.trial.search.algorithm, "search": event.trial.search.name, "status": event.status}
        for summary in hparams({**shown, **words, "copied": ", ".join(event.lineage) or "no"}, event.totals):
            writer.file_writer.add_summary(summary, walltime=event.at)
        for name, value in event.totals.items():
            writer.add_scalar(name, value, 0, walltime=event.at)
        text = [f"- status: {event.status} {event.reason}".rstrip(), *(f"- copied {copy}" for copy in event.lineage)]
        writer.add_text("trial", "\n".join(text), 0, walltime=event.at)
        self._end(event.trial.path)

    def progress(self, event: SearchProgress) -> None:
        self._scalars(event.search.name, event.values, event.examples, event.at)

    def search_state(self, state: SearchState) -> None:
        writer = self._writer(state.search.name)
        for title, values in (("search", {**state.search.tags, "status": state.status}), ("winner", state.winner)):
            rows = "\n".join(f"| {name} | {value} |" for name, value in values.items())
            writer.add_text(title, f"| | |\n|-|-|\n{rows}", 0, walltime=state.at)
        for name, value in state.totals.items():
            writer.add_scalar(name, value, 0, walltime=state.at)

    def report(self, report: Report) -> None:
        folder = self._folder / "report"
        shutil.rmtree(folder, ignore_errors=True)
        for title, table in report.tables.items():
            self._writer("report").add_text(title, table, 0)
        self._end("report")
        shutil.copy(report.page, folder)

    def flush(self) -> None:
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        for path in tuple(self._writers):
            self._end(path)

    def _scalars(self, path: str, values: Mapping[str, float], examples: int, at: float) -> None:
        writer = self._writer(path)
        for name, value in values.items():
            writer.add_scalar(name, value, examples, walltime=at)

    def _writer(self, path: str) -> Any:
        """Opened again where its trial has ended: a file more in the same folder, which TensorBoard reads as one."""
        if path not in self._writers:
            from tensorboardX import SummaryWriter

            suffix = f".{os.getpid()}-{next(self._opened)}"  # no two files of one name within a second
            self._writers[path] = SummaryWriter(logdir=str(self._folder / path), filename_suffix=suffix)
        return self._writers[path]

    def _end(self, path: str) -> None:
        self._writers.pop(path).close()


def _folder(settings: TensorBoardSettings, place: Place) -> Path:
    return Path(settings.folder).expanduser().resolve() if settings.folder else place.folder / "tensorboard"
