"""Random search over the recorded configurations, replayed and counted: a world in which the two differ is not used."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import Point, SearchContext
from tuneoff.algorithms.search import build
from tuneoff.replay.curves import half
from tuneoff.replay.pool import Pool
from tuneoff.replay.resampling import best_evaluations, best_of
from tuneoff.replay.simulate import Setting, simulate
from tuneoff.replay.table import Table, TableError
from tuneoff.replay.world import Curve, Replay, World

REPLAYS, HALVES, TRIALS = 300, 100, 8
MOST_Z = 3.0


@dataclass(frozen=True, kw_only=True)
class RandomCheck:
    """Mean test score of random search over `trials` recorded configurations: replayed, and counted without a replay. se: of
    their difference; from replays, and from halves of the table where a surrogate stands for its rows."""

    trials: int
    replayed: float
    counted: float
    se: float

    @property
    def passed(self) -> bool:
        return abs(self.replayed - self.counted) <= MOST_Z * self.se + 1e-12


def check_random(table: Table, world: World, trials: int | None = None, replays: int = REPLAYS) -> RandomCheck:
    k = trials or max(1, min(TRIALS, len(table.trials) // 3))
    pool, found = Pool(table), []
    random = AlgorithmConfig.from_dict(
        {"name": "random", "trials": k, "searcher": {"name": "random"}, "scheduler": {"name": "none"}}
    )
    setting = Setting(slots=1, evaluations_per_epoch=table.evaluations_per_epoch)
    for seed in range(replays):
        replay = _Recorded(pool, world, seed)
        context = SearchContext(
            space=replay.space,
            seed=seed,
            slots=1,
            max_epochs=table.max_epochs,
            defaults=table.defaults,
            evaluations_per_epoch=table.evaluations_per_epoch,
        )
        outcome = simulate(build(random, context), replay, setting, length_of=world.length_of)
        if outcome.incumbents:
            found.append(outcome.incumbents[-1].test)
    validation, test = best_evaluations(table)
    variance = float(np.var(found, ddof=1)) / len(found)
    if not isinstance(world, Pool):
        halves = [half(np.arange(len(test)), seed) for seed in range(HALVES)]
        variance += float(np.var([best_of(validation[rows], test[rows], k) for rows in halves], ddof=1))
    return RandomCheck(trials=k, replayed=float(np.mean(found)), counted=best_of(validation, test, k), se=math.sqrt(variance))


class _Recorded(Replay):
    """Draws recorded configurations; their curves are the world's."""

    def __init__(self, pool: Pool, world: World, seed: int) -> None:
        self._points, self._curves, self._same = pool.replay(seed), world.replay(seed), isinstance(world, Pool)
        self.space = self._points.space

    def settle(self, point: Point) -> Point:
        return self._points.settle(point)

    def curve(self, number: int, point: Point) -> Curve:
        recorded = self._points.curve(number, point)
        return recorded if self._same or recorded.failed else self._curves.curve(number, point)


def require_equal(check: RandomCheck, table: Table) -> None:
    """TableError where the replay and the count contradict each other."""
    if not check.passed:
        apart = abs(check.replayed - check.counted) / max(check.se, 1e-12)
        raise TableError(
            f"{table.name} can't be replayed: random search over {check.trials} of its trials scores {check.replayed:.4g} when "
            f"replayed, but {check.counted:.4g} by counting, {apart:.1f} standard errors apart: the surrogate misses what its "
            "trials are like; record more of them, or give another world"
        )
