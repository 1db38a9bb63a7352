"""tuneoff run algorithm=pbt: runs one search and leaves its records under results/. --help lists all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from tuneoff.commands import at_once
from tuneoff.commands.composition import composed, to_config
from tuneoff.commands.elsewhere import Elsewhere
from tuneoff.commands.entry import run_command
from tuneoff.commands.hydra_command import HydraCommand, command_of
from tuneoff.config.parts import UNTIL_DECIDED
from tuneoff.errors import ConfigError, UserError
from tuneoff.garbage import collector_paused
from tuneoff.redaction import redacted
from tuneoff.study.stored_cell import finished, must_be_unchanged
from tuneoff.trackers.feed import Feeds
from tuneoff.trackers.settings import Chosen, chosen_trackers

if TYPE_CHECKING:
    from tuneoff.commands.arguments import CommandLine
    from tuneoff.config import RunConfig
    from tuneoff.config.engine import EngineConfig
    from tuneoff.study.estimate import Estimate
    from tuneoff.study.session import Session
    from tuneoff.training.protocol import Engine


@HydraCommand
def main(configuration: DictConfig) -> Estimate | None:
    """tuneoff: which hyperparameter search is worth its money on your fine-tuning task?

    tuneoff run algorithm=pbt                                         one search
    tuneoff run -m algorithm=grid,bayesopt,pbt 'repeat=range(0,3)'    every combination of these
    tuneoff run algorithm=pbt task=mrpc task.files=DIR model=minilm   another task and model
    tuneoff run -m algorithm=random,pbt until=decided                 repeats until there is a verdict
    tuneoff run -m ... resources.slots=2 at_once=4                    four searches at the same time, of two slots each
    tuneoff run algorithm=pbt dry_run=true                            what it would cost
    tuneoff report                                                    table and plots of what ran

    A command that was cut off goes on where it was when it is given again. A finished search is kept, never overwritten.
    """
    config = to_config(configuration)
    at_once.must_be_a_sweeps(config)
    trackers = chosen_trackers(config.tracker)
    _elsewhere.bring(config)
    if not config.dry_run and finished(config):
        must_be_unchanged(config, _data_facts(config))
        _elsewhere.catch_up(config)
        _follow(config, trackers)
        _say_kept(config)
        return None
    if "RAY_ADDRESS" in os.environ and config.resources.address is None and not _sessions:
        print("note: RAY_ADDRESS is ignored; to use that cluster give resources.address=...", file=sys.stderr)
    with importing():  # not before the settings are known to be right: torch and Ray take seconds
        session = command_session()
        session.start_early(config)
        from tuneoff.report.page.cell_summary import cell_summary
        from tuneoff.study import run as study
        from tuneoff.study.dry_run import dry_run
        from tuneoff.study.progress import make_listener

    if config.dry_run:
        estimate, text = dry_run(session, config)
        print(text)
        return estimate
    _follow(config, trackers)
    with _elsewhere.held(config):
        if config.elsewhere is not None and finished(config):  # on another machine, meanwhile
            _say_kept(config)
            return None
        cell = study.run(session, config, make_listener(config.view), command_of("run"))
    print(cell_summary(cell))
    return None


def _say_kept(config: RunConfig) -> None:
    print(
        f"{config.algorithm.name}, repeat {config.repeat}: already finished in {config.cell_shown}; kept. "
        f"For a new run give study=NAME or repeat={config.repeat + 1}, or delete the folder."
    )


_feeds = Feeds()
_elsewhere = Elsewhere()


def _follow(config: RunConfig, trackers: Sequence[Chosen]) -> None:
    _feeds.follow(trackers, config.cell.parents[2], config.cell, config.plugins)


def _data_facts(config: RunConfig) -> Mapping[str, Any]:
    """Facts of the present data; {} where it can't be read any more, since a finished search does not need it."""
    try:
        return _engine(config.engine).data_facts(config.request())
    except UserError:
        return {}


@lru_cache(maxsize=1)
def _engine(config: EngineConfig) -> Engine:
    """Keeps what it read for the next finished search."""
    return config.make()


_sessions: list[Session] = []
"""The command's one session, once it has begun: Hydra calls `main` for each search of a sweep."""


def command_session() -> Session:
    from tuneoff.study.session import Session

    if not _sessions:
        _sessions.append(Session())
    return _sessions[0]


@contextmanager
def importing() -> Iterator[None]:
    """Pauses garbage collection during the first search's imports."""
    with nullcontext() if _sessions else collector_paused():
        yield


def command() -> None:
    run_command(_run)


def _run() -> int:
    try:
        code = main.run(_instead)
    finally:
        for session in _sessions:
            session.close()
        for note in _feeds.close():
            print(redacted(note), file=sys.stderr)
        _elsewhere.close()
    estimates = [estimate for estimate in main.results if estimate is not None]
    if len(estimates) > 1:
        print(total(estimates))
    return code


def _instead(given: CommandLine) -> int | None:
    """Rounds of a sweep, or several searches at once, where its settings ask for that; None for an ordinary command."""
    several = given.sweep and any(argument.startswith(f"{at_once.SETTING}=") for argument in given.for_hydra)
    sweep = partial(_at_once, ordinary=main.sweep) if several else main.sweep
    if f"until={UNTIL_DECIDED}" in given.for_hydra:
        return _until_decided(given, sweep)
    return sweep(given) if several else None


def _at_once(given: CommandLine, ordinary: Callable[[CommandLine], int]) -> int:
    """Runs a sweep with several searches at once; as any other where only one is asked for."""
    _, first = at_once.cells_of(given)[0]
    asked = [argument for argument in given.for_hydra if argument.startswith(f"{at_once.SETTING}=")]
    search = [f"hydra.searchpath=[file://{given.config_dir.resolve()}]"] if given.config_dir else []
    settings = [argument for argument in first if "=" in argument and not argument.startswith("-")]
    config = to_config(composed([*settings, *asked, *search]))
    if config.at_once == 1:
        return ordinary(given)
    gpus = _gpus(config)
    at_once.must_fit(config, gpus)
    return at_once.run_at_once(given, at_once.environments(config.at_once, gpus))


def _gpus(config: RunConfig) -> int:
    """The GPUs of this machine that its searches are to divide."""
    from tuneoff.execution.runtime import count_gpus
    from tuneoff.study.session import may_train_on_gpu

    return count_gpus() if config.resources.address is None and may_train_on_gpu(config) else 0


def _until_decided(given: CommandLine, sweep: Callable[[CommandLine], int]) -> int:
    """Rounds of the sweep."""
    from tuneoff.commands import until_decided

    algorithms = until_decided.check_sweep(given)
    settings = [argument for argument in given.for_hydra if "=" in argument and not argument.startswith("-")]
    names = {"algorithm", "repeat", *given.swept}
    own = [setting for setting in settings if setting.partition("=")[0] not in names]
    search = [f"hydra.searchpath=[file://{given.config_dir.resolve()}]"] if given.config_dir else []
    config = to_config(composed([*own, f"algorithm={algorithms[0]}", *search]))
    if config.dry_run:
        raise ConfigError("dry_run goes with a fixed number of repeats: give repeat=range(0,6) instead of until=decided")
    until_decided.check_margin(config)
    _elsewhere.bring(config)
    return until_decided.run_until_decided(config, algorithms, lambda part: sweep(given.with_settings(*part.settings())))


def total(estimates: Sequence[Estimate]) -> str:
    """The sum of a sweep's dry runs, as text. Prices are those of each search."""
    minutes = sum(estimate.device_seconds for estimate in estimates) / 60
    hours = sum(estimate.wall_seconds for estimate in estimates) / 3600
    dollars = sum(estimate.dollars for estimate in estimates)
    return (
        f"All {len(estimates)} searches, one after the other: {minutes:.2f} device-minutes charged, {dollars:.4f} dollars, "
        f"{hours:.2f} hours"
    )
