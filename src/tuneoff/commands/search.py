"""`tuneoff.search(make_trainer, ...)`: a search of a user's own Trainer from Python, with the records that a command leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tuneoff.commands.composition import composed, to_plain
from tuneoff.commands.elsewhere import Elsewhere
from tuneoff.config import RunConfig
from tuneoff.config.reading import from_plain
from tuneoff.errors import ConfigError
from tuneoff.records.charge import charged_seconds
from tuneoff.records.incumbent import incumbent, score_of
from tuneoff.records.store import MODEL_FOLDER, load_cell
from tuneoff.redaction import redacted
from tuneoff.report.cells import price_of
from tuneoff.space import Choice, Domain, Float, Int
from tuneoff.study.stored_cell import finished
from tuneoff.trackers.feed import Feeds
from tuneoff.trackers.settings import chosen_trackers
from tuneoff.training.hf.make import hand_over

TYPES: Mapping[type[Domain], str] = {Float: "float", Int: "int", Choice: "choice"}


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The result of a search: its best evaluation.

    hparams: in force there, all of them; of a population's winner those of its last interval. metric: the one that was
    maximised (`minus_...` where it was to be minimised). test: its score on the test dataset. trials: how many were begun.
    charged_seconds: device-seconds of the whole search, idle included. dollars: their price, as it was when it ran. cell: the
    folder of the records, which `tuneoff.write_report` reads. model: the folder of the winner's model, which from_pretrained
    reads; None without the setting keep=winner.
    """

    hparams: Mapping[str, Any]
    metric: str
    validation: float
    test: float | None
    metrics: Mapping[str, float]
    epoch: float
    trials: int
    charged_seconds: float
    dollars: float
    cell: Path
    model: Path | None = None


def search(
    make_trainer: Callable[..., Any] | str,
    *,
    algorithm: str = "pbt",
    budget: str | None = None,
    space: Mapping[str, Domain | Mapping[str, Any]] | None = None,
    metric: str | None = None,
    direction: str | None = None,
    hparams: Mapping[str, Any] | None = None,
    study: str = "main",
    repeat: int = 0,
    results: str | Path = "results",
    view: str = "auto",
    settings: Sequence[str] = (),
) -> SearchResult:
    """Searches the hyperparameters of a Trainer, or goes on with a search that was cut off; a finished one is only read.

    make_trainer: returns a Trainer, or a pair of it and a test dataset, for hyperparameters given by keyword; or its name, as
    in "my_script:make_trainer". budget: as in "epochs:24", "minutes:10" or "dollars:0.05". space: domains by name, `Float`,
    `Int` and `Choice` of tuneoff.space; None: learning rate, weight decay and batch size. metric: one that compute_metrics
    returns; None: TrainingArguments' metric_for_best_model. direction: maximise or minimise. hparams: values where the space
    has none. settings: any others, as on the command line: ["retrain=5", "resources.slots=2"].

    Raises UserError where something is wrong with what was given, before anything is trained.
    """
    config = _config(
        make_trainer,
        [f"algorithm={algorithm}", f"study={study}", f"repeat={repeat}", f"view={view}", *settings],
        {"budget": budget, "results": str(results), "engine.metric": metric, "engine.direction": direction},
        None if space is None else {name: _domain(name, domain) for name, domain in space.items()},
        dict(hparams or {}),
    )
    elsewhere = Elsewhere()
    elsewhere.bring(config)
    try:
        if finished(config):
            elsewhere.catch_up(config)
        else:
            _run(config, f"tuneoff.search({config.engine.settings.make}, algorithm={algorithm!r})", elsewhere)
    finally:
        elsewhere.close()
    return result(config.cell)


def result(folder: Path) -> SearchResult:
    """The result of a finished cell."""
    cell = load_cell(folder)
    best, charged = incumbent(cell), charged_seconds(cell, cell.wall_seconds)
    return SearchResult(
        hparams=best.hparams,
        metric=cell.header.metric,
        validation=score_of(best.validation, cell),
        test=score_of(best.test, cell) if best.test else None,
        metrics=best.validation.metrics,
        epoch=best.epoch,
        trials=len(cell.trial_ends),
        charged_seconds=charged,
        dollars=price_of(cell).dollars(charged),
        cell=folder,
        model=folder / MODEL_FOLDER if (folder / MODEL_FOLDER).is_dir() else None,
    )


def _run(config: RunConfig, command: str, elsewhere: Elsewhere) -> None:
    from tuneoff.study import run as study
    from tuneoff.study.progress import make_listener
    from tuneoff.study.session import Session

    session, feeds, trackers = Session(), Feeds(), chosen_trackers(config.tracker)
    try:
        session.start_early(config)
        feeds.follow(trackers, config.cell.parents[2], config.cell, config.plugins)
        with elsewhere.held(config):
            if config.elsewhere is not None and finished(config):  # on another machine, meanwhile
                return
            study.run(session, config, make_listener(config.view), command)
    finally:
        session.close()
        for note in feeds.close():
            print(redacted(note), file=sys.stderr)


def _config(
    make_trainer: Callable[..., Any] | str,
    overrides: Sequence[str],
    values: Mapping[str, Any],
    space: Mapping[str, Any] | None,
    hparams: Mapping[str, Any],
) -> RunConfig:
    """The configuration of a command with these settings. Raises ConfigError where one can't be read."""
    name = make_trainer if isinstance(make_trainer, str) else hand_over(make_trainer)
    configuration = composed(["engine=hf_trainer", *overrides])
    OmegaConf.set_struct(configuration, False)
    for key, value in {**values, "engine.make": name}.items():
        OmegaConf.update(configuration, key, value)
    main = getattr(sys.modules["__main__"], "__file__", None)
    if name.startswith("__main__:") and main is not None and not any("task.name=" in setting for setting in overrides):
        configuration.task.name = Path(main).stem
    plain = to_plain(configuration)
    plain["hparams"].update(hparams)
    if space is not None:
        plain["space"] = dict(space)
    return from_plain(plain)


def _domain(name: str, domain: Domain | Mapping[str, Any]) -> dict[str, Any]:
    """A domain as a configuration has it."""
    if isinstance(domain, Mapping):
        return dict(domain)
    if type(domain) not in TYPES:
        raise ConfigError(f"space[{name!r}] is {domain!r}, but it must be a Float, an Int or a Choice of tuneoff.space")
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(domain).items()}
    return {"type": TYPES[type(domain)], **values}
