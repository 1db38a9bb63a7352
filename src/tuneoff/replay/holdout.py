"""How well a world knows its table: the scores of trials that were kept from it, above all of the good ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.stats import spearmanr

from tuneoff.replay.curves import Curves, curves_of, in_virtual_time
from tuneoff.replay.forest import Forest, ForestWorld, outputs
from tuneoff.replay.gaussian import Function
from tuneoff.replay.pool import Pool
from tuneoff.replay.surrogate import Surrogate, fit_curves
from tuneoff.replay.table import Floats, Table, TableError
from tuneoff.replay.world import World

Kind: TypeAlias = Literal["pool", "gp", "forest"]
KINDS: tuple[Kind, ...] = ("pool", "gp", "forest")
FOLDS = 5
LARGE = 300
"""Trials above which a table is replayed as it is, and no Gaussian process is fitted."""
ADVANTAGE = 0.05
"""R2 by which a forest must be better than a Gaussian process to take its place."""
LEAST_R2, LEAST_RANK, LEAST_UPPER_RANK = 0.3, 0.5, 0.0


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """Predicted against recorded best test scores of trials kept out, fold by fold. upper: of the half that
    is predicted to be better, where a search would go; picked by recorded scores, it would be picked by luck.

    noise_ceiling: the R2 that a perfect model would have, from repetitions; None where there are too few.
    """

    kind: Kind
    trials: int
    r2: float
    rank: float
    upper_r2: float
    upper_rank: float
    noise_ceiling: float | None = None

    @property
    def passed(self) -> bool:
        return self.r2 >= LEAST_R2 and self.rank >= LEAST_RANK and self.upper_rank >= LEAST_UPPER_RANK

    def sentence(self) -> str:
        ceiling = "" if self.noise_ceiling is None else f" (noise alone allows {self.noise_ceiling:.2f})"
        return (
            f"hold-out over {self.trials} trials: R2 {self.r2:.2f}{ceiling}, rank correlation {self.rank:.2f}; in the better "
            f"half R2 {self.upper_r2:.2f}, rank {self.upper_rank:.2f}"
        )


def hold_out(table: Table, kind: Kind) -> HoldOut:
    """Of a surrogate of this kind; folds keep repetitions of a configuration together."""
    curves = curves_of(in_virtual_time(table))
    groups = np.random.default_rng(0).permutation(np.unique(curves.groups))
    truth, predicted = curves.test[:, -1], np.empty(len(curves))
    for fold in np.array_split(groups, 2 if len(groups) > LARGE else FOLDS):
        out = np.isin(curves.groups, fold)
        predicted[out] = _predict(curves.take(np.flatnonzero(~out)), curves.units[out], kind)
    upper = predicted >= np.median(predicted)
    return HoldOut(
        kind=kind,
        trials=len(curves),
        r2=r2(truth, predicted),
        rank=float(spearmanr(truth, predicted).statistic),
        upper_r2=r2(truth[upper], predicted[upper]),
        upper_rank=float(spearmanr(truth[upper], predicted[upper]).statistic),
        noise_ceiling=_ceiling(curves),
    )


def _predict(known: Curves, units: Floats, kind: Kind) -> Floats:
    if kind == "forest":
        return Forest(known.units, outputs(known)).mean(units, known.test[:, -1:])[:, 0]
    fitted = fit_curves(known)
    function = Function(fitted.posterior)
    return np.array([(fitted.centre + function(x) * fitted.spread @ fitted.basis)[-1] for x in units])


def r2(truth: Floats, predicted: Floats) -> float:
    return float(1 - np.square(truth - predicted).sum() / np.square(truth - truth.mean()).sum())


def _ceiling(curves: Curves) -> float | None:
    from tuneoff.replay.surrogate import repetition_noise

    noise = repetition_noise(curves, curves.both)
    return None if noise is None else max(0.0, 1 - noise**2 / float(curves.test[:, -1].var(ddof=1)))


def make_world(table: Table, kind: Kind) -> World:
    """TableError for a pool of trials that were not drawn at random."""
    if kind == "pool":
        if not table.drawn_at_random:
            raise TableError(
                f"world is 'pool', but the trials of {table.name} were not all drawn at random, so that drawing from them is "
                "no random search: give world=gp or world=forest"
            )
        return Pool(table)
    return Surrogate(table) if kind == "gp" else ForestWorld(table)


def choose(table: Table) -> tuple[Kind, tuple[HoldOut, ...]]:
    """The kind of world that fits the table, and the hold-outs that say so. A large random table is its own world."""
    if len(table.trials) > LARGE:
        return ("pool" if table.drawn_at_random else "forest"), (hold_out(table, "forest"),)
    smooth, forest = hold_out(table, "gp"), hold_out(table, "forest")
    return ("forest" if forest.r2 > smooth.r2 + ADVANTAGE else "gp"), (smooth, forest)


def require_passed(found: HoldOut, table: Table) -> None:
    """TableError, with what would help, where the surrogate does not know the table well enough."""
    if found.passed:
        return
    more = max(48, 2 * found.trials)
    noisy = found.noise_ceiling is not None and found.noise_ceiling < LEAST_R2 + 0.1
    help_ = (
        "most of the differences between its trials are luck: a larger validation set or longer trials would help"
        if noisy
        else f"record {more - found.trials} more trials, or search a narrower space"
    )
    raise TableError(
        f"{table.name} can't be replayed: {found.sentence()}, but R2 must be at least {LEAST_R2}, the rank correlation "
        f"{LEAST_RANK}, and {LEAST_UPPER_RANK} in the better half; {help_}"
    )
