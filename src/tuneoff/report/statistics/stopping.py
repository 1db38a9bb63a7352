"""What stopping trials early cost, measured on a random share of them that went on to their end.

The finite population is the stopped trials of the searches at hand: the interval is for these searches, of which the trials
that did not go on are unknown, and not for searches to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuneoff.report.statistics.overtuning import share_interval
from tuneoff.report.statistics.summary import Interval

DRAWS = 4000


@dataclass(frozen=True, kw_only=True)
class AuditedSearch:
    """stopped: trials that were stopped, n. excess: shape (m,), m <= n, of those that went on the best later score minus the
    search's result, minus infinity where it came to none. share: the probability with which each was taken."""

    stopped: int
    excess: NDArray[np.float64]
    share: float


def wrongly_stopped(searches: Sequence[AuditedSearch], level: float = 0.95) -> Interval:
    """How many stopped trials of these searches would have beaten their search's result.

    Those that did, and of the rest the share by inverse probability weights (Hajek 1971); Clopper and Pearson's interval. NaN
    where no trial went on.
    """
    pool = _Pool.of(searches)
    if not pool.audited:
        return Interval(estimate=float("nan"), low=float("nan"), high=float("nan"), level=level)
    share = share_interval(pool.winners, pool.audited, level)
    stopped = sum(search.stopped for search in searches)
    return Interval(
        estimate=pool.winners + pool.share * (stopped - pool.audited),
        low=max(float(pool.winners), share.low * stopped),
        high=min(float(stopped - pool.audited + pool.winners), share.high * stopped),
        level=level,
    )


def stopping_regret(searches: Sequence[AuditedSearch], level: float = 0.95) -> Interval:
    """By how much the results of these searches would be better, mean over searches, had no trial been stopped.

    A search loses the largest positive excess of its stopped trials. What the trials that did not go on would have come to is
    drawn: each wins with the share of `wrongly_stopped`, by an excess that is exponentially distributed, as what exceeds a high
    threshold tends to be. The interval also draws that share and the mean excess, from their posteriors under Jeffreys' priors
    (beta, inverse gamma). Where no trial that went on won, none says by how much another might: `high` is NaN, unless all went
    on.
    """
    pool = _Pool.of(searches)
    nan = float("nan")
    if not pool.audited:
        return Interval(estimate=nan, low=nan, high=nan, level=level)
    known = np.array([max(0.0, float(search.excess.max(initial=0.0))) for search in searches])
    left = np.array([search.stopped - len(search.excess) for search in searches])
    if not left.any():
        return Interval(estimate=float(known.mean()), low=float(known.mean()), high=float(known.mean()), level=level)
    if not pool.winners:
        return Interval(estimate=0.0, low=0.0, high=nan, level=level)
    rng = np.random.default_rng(0)
    won = pool.share * pool.audited
    shares = rng.beta(won + 0.5, pool.audited - won + 0.5, DRAWS)
    sizes = pool.winners * pool.mean_size / rng.standard_gamma(pool.winners, DRAWS)
    estimate = _regrets(known, left, np.full(DRAWS, pool.share), np.full(DRAWS, pool.mean_size), rng).mean()
    low, high = np.quantile(_regrets(known, left, shares, sizes, rng), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate=float(estimate), low=float(low), high=float(high), level=level)


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """The trials that went on, of all searches. audited: how many. winners: of those, how many won. share: of winners, and
    mean_size: of their excess, both by inverse probability weights; NaN where there are none."""

    audited: int
    winners: int
    share: float
    mean_size: float

    @classmethod
    def of(cls, searches: Sequence[AuditedSearch]) -> _Pool:
        excess = np.concatenate([np.empty(0), *(search.excess for search in searches)])
        weight = np.concatenate([np.empty(0), *(np.full(len(s.excess), 1 / s.share) for s in searches)])
        won, nan = excess > 0, float("nan")
        return cls(
            audited=len(excess),
            winners=int(won.sum()),
            share=float(weight[won].sum() / weight.sum()) if len(excess) else nan,
            mean_size=float(np.average(excess[won], weights=weight[won])) if won.any() else nan,
        )


def _regrets(
    known: NDArray[np.float64],
    left: NDArray[np.int64],
    shares: NDArray[np.float64],
    sizes: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Mean regret in each draw, shape (DRAWS,). known: shape (searches,), the regret among trials that went on. left: trials
    that did not. shares, sizes: shape (DRAWS,). The largest of M independent values lies at the quantile U^(1 / M)."""
    winners = rng.binomial(left[None, :], shares[:, None])
    quantile = rng.random(winners.shape) ** (1 / np.maximum(winners, 1))
    largest = np.where(winners > 0, -np.log1p(-quantile) * sizes[:, None], 0.0)
    means: NDArray[np.float64] = np.maximum(known[None, :], largest).mean(axis=1)
    return means
