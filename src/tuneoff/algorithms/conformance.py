"""Checks of the rules that every algorithm must keep, for ours and for anybody's; they train nothing.

python -m tuneoff.algorithms.conformance my_search.yaml --plugins my_search
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tuneoff import plugins
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import Copy, Decision, Point, SearchContext
from tuneoff.algorithms.rehearsal import Ended, Event, Released, Reported, Started, rehearse, retell
from tuneoff.algorithms.search import build
from tuneoff.errors import UserError
from tuneoff.space import Choice, Float, Int, SearchSpace, Value

MIXED = SearchSpace(
    {
        "learning_rate": Float(low=1e-5, high=1e-3, log=True),
        "weight_decay": Float(low=0.0, high=0.3),
        "batch_size": Choice(values=(16, 32, 64)),
        "num_epochs": Int(low=2, high=5),
        "lr_schedule": Choice(values=("linear", "constant", "cosine")),
    }
)
COUNTABLE = SearchSpace(
    {
        "batch_size": Choice(values=(16, 32)),
        "num_epochs": Int(low=2, high=4),
        "lr_schedule": Choice(values=("linear", "cosine")),
    }
)
DEFAULTS: dict[str, Value] = {
    "learning_rate": 5e-5,
    "weight_decay": 0.01,
    "batch_size": 32,
    "num_epochs": 3,
    "lr_schedule": "linear",
    "warmup_ratio": 0.0,
}
MOST_TRIALS = 7
"""A model's proposal can take half a second."""


class ConformanceError(Exception):
    """An algorithm that breaks a rule."""


def context(**changes: Any) -> SearchContext:
    """A small search of five hyperparameters, of every kind of domain."""
    values: dict[str, Any] = {
        "space": MIXED,
        "seed": 0,
        "slots": 2,
        "max_epochs": 5,
        "defaults": DEFAULTS,
        "evaluations_per_epoch": 1,
        "mutable": ("learning_rate", "weight_decay", "batch_size"),
    }
    return SearchContext(**{**values, **changes})


def score(point: Point, clock: int = 5) -> float:
    """A made-up score, best near learning_rate 1e-4, batch_size 32, lr_schedule cosine, and rising with the clock; for any
    space."""
    value, numbers = 1.0 - 0.5 / clock, {name: float(v) for name, v in point.items() if isinstance(v, int | float)}
    if "learning_rate" in numbers:
        value -= 0.1 * (math.log10(numbers["learning_rate"]) + 4) ** 2
    if "batch_size" in numbers:
        value -= 0.05 * abs(math.log2(numbers["batch_size"]) - 5)
    if "weight_decay" in numbers:
        value -= 0.2 * numbers["weight_decay"]
    return value - (0.1 if point.get("lr_schedule", "cosine") != "cosine" else 0.0)


def check_knobs(algorithm: AlgorithmConfig) -> None:
    """Both parts declare their knobs as frozen dataclasses."""
    for part in (algorithm.searcher, algorithm.scheduler):
        knobs = part.kind.knobs
        frozen = dataclasses.is_dataclass(knobs) and getattr(knobs, "__dataclass_params__").frozen  # noqa: B009 - untyped
        _must(frozen, f"{part.name}: `knobs` must be a frozen dataclass, but it is {knobs!r}")


def check_proposals(algorithm: AlgorithmConfig) -> None:
    """As many points as promised, all in the space with all of its names, and the same from the same seed."""
    first, second = (rehearse(build(algorithm, context(seed=3)), score=score) for _ in range(2))
    copies = any(isinstance(event, Reported) and isinstance(event.decision, Copy) for event in first)
    population = algorithm.scheduler.kind.population
    _must(population or not copies, "a scheduler whose trials copy each other must declare population = True")
    _must(first == second, "the same seed must give the same search, but it gave another one")
    points, promised = _points(first), build(algorithm, context(seed=3)).num_trials
    _must(len(points) == promised, f"num_trials is {promised}, but {len(points)} points were proposed")
    for point in points:
        _must(list(point) == list(MIXED.domains), f"a point must have the names {list(MIXED.domains)}, in their order: {point}")
        _must(MIXED.contains(point), f"a point lies outside the space: {point}")


def check_rebuilt(algorithm: AlgorithmConfig) -> None:
    """A search that is told the events of another one proposes and decides the same at each."""
    events = rehearse(build(algorithm, context(seed=5)), score=score)
    for event, found in retell(build(algorithm, context(seed=5)), events):
        _must(found == event, f"told the same events, it gave {found} instead of {event}: does it keep something besides?")


def check_copies(algorithm: AlgorithmConfig) -> None:
    """Whoever is copied is alive and has had the evaluations that are copied; the copy has the same hyperparameters' names."""
    clocks: dict[str, set[int]] = {}
    if not algorithm.scheduler.kind.population:
        return
    for event in rehearse(build(algorithm, context(seed=7)), score=score):
        if isinstance(event, Started):
            clocks[event.trial_id] = set()
        elif isinstance(event, Reported):
            clocks[event.trial_id].add(event.clock)
            _check_copy(event.trial_id, event.decision, clocks)
        elif isinstance(event, Released):
            for trial_id, decision in event.decisions.items():
                _check_copy(trial_id, decision, clocks)
        else:
            del clocks[event.trial_id]


def _check_copy(trial_id: str, decision: Decision, clocks: Mapping[str, set[int]]) -> None:
    if not isinstance(decision, Copy):
        return
    alive = decision.donor in clocks and decision.donor != trial_id and decision.clock in clocks[decision.donor]
    _must(alive, f"{trial_id} can't copy {decision.donor} after {decision.clock} evaluations")
    _must(list(decision.hparams) == list(MIXED.domains), f"a copy must have every hyperparameter: {decision.hparams}")
    clocks[trial_id].add(decision.clock)


def check_failures(algorithm: AlgorithmConfig) -> None:
    """Failed trials are counted and never get a score."""
    search = build(algorithm, context())
    events = rehearse(search, score=score, fails=lambda trial_id: int(trial_id[1:]) % 2 == 0)
    started = len(_points(events))
    observed = sum(isinstance(event, Ended) and event.scored for event in events)
    history = search.history
    _must(not history.pending, "a trial that ended must not be pending")
    _must((len(history.tried), len(history.observed)) == (started, observed), "a failed trial must count, without a score")


def check_countable_space(algorithm: AlgorithmConfig) -> None:
    """A small countable space is searched without a hang, and nothing outside it is proposed."""
    points = _points(rehearse(build(dataclasses.replace(algorithm, trials=14), context(space=COUNTABLE)), score=score))
    _must(bool(points), "nothing was proposed")
    _must(all(COUNTABLE.contains(point) for point in points), f"a point lies outside the space: {points}")


CHECKS: tuple[Callable[[AlgorithmConfig], None], ...] = (
    check_knobs,
    check_proposals,
    check_rebuilt,
    check_copies,
    check_failures,
    check_countable_space,
)


def read(file: Path, **changes: Any) -> AlgorithmConfig:
    """An algorithm's YAML, with at most MOST_TRIALS trials unless said otherwise."""
    values = {**yaml.safe_load(file.read_text(encoding="utf-8")), **changes}
    if "trials" not in changes and values.get("trials") is not None:
        values["trials"] = min(values["trials"], MOST_TRIALS)
    return AlgorithmConfig.from_dict(values)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks the rules that every algorithm keeps.")
    parser.add_argument("file", type=Path, help="the algorithm's YAML, as in conf/algorithm/")
    parser.add_argument("--plugins", nargs="*", default=[], help="modules that register its parts")
    options = parser.parse_args(arguments)
    try:
        plugins.load(options.plugins)
        algorithm = read(options.file)
    except (UserError, OSError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 2
    broken = [check for check in CHECKS if not _keeps(check, algorithm)]
    return int(bool(broken))


def _keeps(check: Callable[[AlgorithmConfig], None], algorithm: AlgorithmConfig) -> bool:
    try:
        check(algorithm)
    except ConformanceError as error:
        print(f"broken  {check.__doc__}\n        {error}")
        return False
    print(f"kept    {check.__doc__}")
    return True


def _must(ok: bool, text: str) -> None:
    if not ok:
        raise ConformanceError(text)


def _points(events: Sequence[Event]) -> list[Point]:
    return [event.point for event in events if isinstance(event, Started)]


if __name__ == "__main__":
    sys.exit(main())
