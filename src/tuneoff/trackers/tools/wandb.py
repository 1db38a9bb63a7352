"""Weights & Biases: a project a study, a group a search, runs its trials; one run more in the group is the search itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuneoff.errors import check_one_of, check_text
from tuneoff.plugins import register
from tuneoff.records.identity import digest
from tuneoff.records.schema import COMPLETED, STOPPED
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

ONLINE, OFFLINE = "online", "offline"
EXAMPLES = "examples"
"""The x-axis of all curves; W&B's own step is the number of the evaluation."""
REPORT = "report"


@dataclass(frozen=True, kw_only=True)
class WandbSettings:
    mode: str | None = None
    project: str | None = None
    entity: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        if self.mode is not None:
            check_one_of("tracker.wandb.mode", self.mode, (ONLINE, OFFLINE), TrackerError)
        for name in ("project", "entity", "folder"):
            if getattr(self, name) is not None:
                check_text(f"tracker.wandb.{name}", getattr(self, name), "text, or null", TrackerError)


@register("tracker", "wandb")
class WeightsAndBiases(Tracker):
    Settings = WandbSettings
    packages = ("wandb",)
    extra = "wandb"

    @classmethod
    def destination(cls, settings: WandbSettings, place: Place) -> str:
        where = settings.folder or str(place.folder) if _mode(settings) == OFFLINE else settings.entity or "own"
        return f"{_mode(settings)} {where} {settings.project or place.study}"

    def __init__(self, settings: WandbSettings, place: Place) -> None:
        import wandb

        self._wandb: Any = wandb
        self._mode, self._study = _mode(settings), place.study
        self._project, self._entity = settings.project or place.study, settings.entity
        self._folder = Path(settings.folder).expanduser().resolve() if settings.folder else place.folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._runs: dict[str, Any] = {}

    def begin_search(self, search: Search) -> None:
        tags = tuple(search.tags[name] for name in ("algorithm", "task", "model", "protocol"))
        self._run(search.name, name=search.name, group=search.name, kind="search", config=search.settings, tags=tags)

    def begin_trial(self, trial: Trial) -> None:
        tags = (trial.search.algorithm, trial.phase)
        self._run(trial.path, name=trial.name, group=trial.search.name, kind=trial.phase, config=trial.hparams, tags=tags)

    def evaluated(self, event: Evaluated) -> None:
        run = self._runs[event.trial.path]
        run.log({**event.values, EXAMPLES: event.examples, "_timestamp": event.at}, step=event.evaluation)
        if event.lineage:
            run.summary["lineage"] = "; ".join(event.lineage)
            run.tags = tuple(dict.fromkeys((*run.tags, f"copied {event.lineage[-1].split()[0]}")))

    def trial_ended(self, event: TrialEnded) -> None:
        run = self._runs.pop(event.trial.path)
        run.config.update(dict(event.hparams), allow_val_change=True)
        run.summary.update(
            {**event.values, "status": event.status, "reason": event.reason, "lineage": "; ".join(event.lineage)}
        )
        run.finish(exit_code=0 if event.status in (COMPLETED, STOPPED) else 1)

    def progress(self, event: SearchProgress) -> None:
        values = {**event.values, EXAMPLES: event.examples, "_timestamp": event.at}
        self._runs[event.search.name].log(values, step=event.evaluation)

    def search_state(self, state: SearchState) -> None:
        run = self._runs[state.search.name]
        winner = {f"winner/{name}": value for name, value in state.winner.items()}
        run.summary.update({**state.totals, **winner, "status": state.status})

    def report(self, report: Report) -> None:
        run = self._run(REPORT, name=REPORT, group=REPORT, kind=REPORT, config={}, tags=())
        run.log({"page": self._wandb.Html(str(report.page), inject=False)})
        artifact = self._wandb.Artifact(f"{report.study}-report", type=REPORT)
        artifact.add_file(str(report.page), report.page.name)
        for title, table in report.tables.items():
            with artifact.new_file(f"tables/{title}.md", mode="w") as file:
                file.write(table)
        for name, path in report.files.items():
            artifact.add_file(str(path), f"tables/{name}")
        run.log_artifact(artifact)
        self._runs.pop(REPORT).finish()

    def close(self) -> None:
        for path in tuple(self._runs):
            self._runs.pop(path).finish()

    def _run(self, path: str, *, name: str, group: str, kind: str, config: Mapping[str, Plain], tags: tuple[str, ...]) -> Any:
        """An online run that is there already goes on; offline, what is added is a folder more of the same run."""
        self._runs[path] = run = self._wandb.init(
            id=digest([self._study, path]),
            name=name,
            group=group,
            job_type=kind,
            config=dict(config),
            tags=[tag for tag in dict.fromkeys(tags) if 0 < len(tag) <= 64],
            project=self._project,
            entity=self._entity,
            dir=str(self._folder),
            mode=self._mode,
            resume="allow" if self._mode == ONLINE else None,
            reinit="create_new",
            save_code=False,
            settings=self._wandb.Settings(
                console="off", silent=True, disable_git=True, x_disable_stats=True, x_disable_meta=True
            ),
        )
        run.define_metric("*", step_metric=EXAMPLES)
        return run


def _mode(settings: WandbSettings) -> str:
    """Online where the settings or WANDB_MODE say so, or where there is a key."""
    said = settings.mode or os.environ.get("WANDB_MODE")
    return said if said in (ONLINE, OFFLINE) else ONLINE if _has_key() else OFFLINE


def _has_key() -> bool:
    netrc = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    return bool(os.environ.get("WANDB_API_KEY")) or (netrc.is_file() and "wandb" in netrc.read_text(errors="replace"))
