"""MLflow: an experiment a study, a run a search, nested runs its trials; the report is the artifacts of one run more."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tuneoff.errors import check_text
from tuneoff.plugins import register
from tuneoff.records.schema import COMPLETED, INTERRUPTED, STOPPED
from tuneoff.redaction import without_password
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
from tuneoff.trackers.secrets import must_hold_no_password

PATH = "tuneoff.path"
"""The tag by which a run is found again: unique in its experiment."""
REPORT = "report"
_STATUS = {COMPLETED: "FINISHED", STOPPED: "FINISHED", "finished": "FINISHED", INTERRUPTED: "KILLED"}
"""Any other is FAILED."""
_MOST_METRICS, _MOST_PARAMS, _LONGEST_VALUE = 1000, 100, 500
"""Of one call, and of one parameter's text."""
_ENVIRONMENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20", "MLFLOW_LOGGING_LEVEL": "WARNING"}
"""Where the user has not set them: a server that is down is noticed, and tried again later."""


@dataclass(frozen=True, kw_only=True)
class MLflowSettings:
    uri: str | None = None
    experiment: str | None = None

    def __post_init__(self) -> None:
        if self.uri is not None:
            check_text("tracker.mlflow.uri", self.uri, "a server's address, or null", TrackerError)
            must_hold_no_password(
                "tracker.mlflow.uri", self.uri, "give them in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
        if self.experiment is not None:
            check_text("tracker.mlflow.experiment", self.experiment, "a name, or null for the study's", TrackerError)


@dataclass
class _Waiting:
    """For the next flush, of one run."""

    metrics: list[Any] = field(default_factory=list)
    params: dict[str, Plain] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ended: tuple[str, int] | None = None
    """Status and milliseconds."""


@register("tracker", "mlflow")
class MLflow(Tracker):
    Settings = MLflowSettings
    packages = ("mlflow", "sqlalchemy")
    extra = "mlflow"

    @classmethod
    def destination(cls, settings: MLflowSettings, place: Place) -> str:
        return f"{without_password(_uri(settings, place))} {settings.experiment or place.study}"

    def __init__(self, settings: MLflowSettings, place: Place) -> None:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        uri, name = _uri(settings, place), settings.experiment or place.study
        if uri.startswith("sqlite:///"):
            Path(uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._client: Any = MlflowClient(tracking_uri=uri)
        there = self._client.get_experiment_by_name(name)
        artifacts = (place.folder / "mlflow-artifacts" / name).as_uri() if uri.startswith("sqlite:") else None
        self._experiment = there.experiment_id if there else self._client.create_experiment(name, artifact_location=artifacts)
        self._runs: dict[str, str] = {}
        self._waiting: dict[str, _Waiting] = {}

    def begin_search(self, search: Search) -> None:
        self._begin(search.name, search.name, search.began, {**search.tags, "kind": "search"})
        self._later(search.name).params |= search.settings

    def begin_trial(self, trial: Trial) -> None:
        parent = {"mlflow.parentRunId": self._runs[trial.search.name]}
        tags = {"kind": "trial", "phase": trial.phase, "algorithm": trial.search.algorithm}
        self._begin(trial.path, trial.name, trial.began, {**tags, **parent})
        self._later(trial.path).params |= trial.hparams

    def evaluated(self, event: Evaluated) -> None:
        self._metrics(event.trial.path, event.values, event.examples, event.at)
        if event.lineage:
            self._later(event.trial.path).tags |= _lineage(event.lineage)

    def trial_ended(self, event: TrialEnded) -> None:
        waiting = self._later(event.trial.path)
        self._metrics(event.trial.path, event.totals, 0, event.at)
        fixed = {name: value for name, value in event.hparams.items() if name not in event.trial.hparams}
        waiting.params |= fixed  # those of the space stand as proposed: MLflow's parameters can't change
        waiting.tags |= {"status": event.status, "reason": event.reason, **_lineage(event.lineage)}
        waiting.ended = (_STATUS.get(event.status, "FAILED"), _ms(event.at))

    def progress(self, event: SearchProgress) -> None:
        self._metrics(event.search.name, event.values, event.examples, event.at)

    def search_state(self, state: SearchState) -> None:
        waiting = self._later(state.search.name)
        self._metrics(state.search.name, state.totals, 0, state.at)
        waiting.tags |= {"status": state.status, **{f"winner.{name}": str(value) for name, value in state.winner.items()}}
        waiting.ended = (_STATUS.get(state.status, "FAILED"), _ms(state.at))

    def report(self, report: Report) -> None:
        run = self._begin(REPORT, REPORT, 0.0, {"kind": REPORT})
        self._client.log_artifact(run, str(report.page))
        for title, table in report.tables.items():
            self._client.log_text(run, table, f"tables/{title}.md")
        for name, path in report.files.items():
            self._client.log_artifact(run, str(path), str(Path("tables", name).parent))
        self._client.set_terminated(run, "FINISHED")

    def flush(self) -> None:
        from mlflow.entities import Param, RunTag

        for path, waiting in self._waiting.items():
            run, metrics = self._runs[path], iter(waiting.metrics)
            params = iter([Param(name, str(value)[:_LONGEST_VALUE]) for name, value in waiting.params.items()])
            tags = [RunTag(name, value) for name, value in waiting.tags.items()]
            while (some := list(islice(metrics, _MOST_METRICS - _MOST_PARAMS))) or tags:
                self._client.log_batch(run, metrics=some, tags=tags)
                tags = []
            while few := list(islice(params, _MOST_PARAMS)):
                self._client.log_batch(run, params=few)
            if waiting.ended is not None:
                self._client.set_terminated(run, status=waiting.ended[0], end_time=waiting.ended[1])
        self._waiting.clear()

    def _begin(self, path: str, name: str, at: float, tags: Mapping[str, str]) -> str:
        found = self._client.search_runs([self._experiment], f"tags.`{PATH}` = '{path}'", max_results=1)
        if found:
            run: str = found[0].info.run_id
            self._client.update_run(run, status="RUNNING")
        else:
            start = _ms(at) if at else None
            run = self._client.create_run(self._experiment, start, {**tags, PATH: path}, run_name=name).info.run_id
        self._runs[path] = run
        return run

    def _metrics(self, path: str, values: Mapping[str, float], examples: int, at: float) -> None:
        from mlflow.entities import Metric

        self._later(path).metrics += [Metric(name, value, _ms(at), examples) for name, value in values.items()]

    def _later(self, path: str) -> _Waiting:
        return self._waiting.setdefault(path, _Waiting())


def _uri(settings: MLflowSettings, place: Place) -> str:
    return settings.uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{place.folder / 'mlflow.db'}"


def _lineage(copies: tuple[str, ...]) -> dict[str, str]:
    """The last copy's donor, and all copies in order."""
    return {"parent_trial": copies[-1].split()[0], "lineage": "; ".join(copies)} if copies else {}


def _ms(at: float) -> int:
    return round(1000 * at)
