"""Random search by counting instead of replaying: what `random` replayed must equal."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from tuneoff.replay.table import Floats, Table


def best_of(validation: Floats, test: Floats, k: int) -> float:
    """Expected test score of the best by validation among k draws without replacement; both of shape (n,).

    With scores sorted upwards, row i is the best of k with probability C(i - 1, k - 1) / C(n, k).
    """
    order = np.argsort(validation, kind="stable")
    n = len(order)
    i = np.arange(1, n + 1)
    with np.errstate(invalid="ignore"):
        logs = gammaln(i) - gammaln(np.maximum(i - k + 1, 1)) - gammaln(k)
    total = gammaln(n + 1) - gammaln(n - k + 1) - gammaln(k + 1)
    weights = np.where(i >= k, np.exp(logs - total), 0.0)
    return float(weights @ test[order])


def best_evaluations(table: Table) -> tuple[Floats, Floats]:
    """Of each trial its best validation score, earliest of equals, and the test score there: two of shape (n,).

    A trial without a score loses to every other.
    """
    found = [
        (max(t.validation), t.test[int(np.argmax(t.validation))]) if t.validation else (-np.inf, 0.0) for t in table.trials
    ]
    return np.array([v for v, _ in found]), np.array([t for _, t in found])


def random_search(table: Table, k: int) -> float:
    """Expected test score of random search over k whole trials, by counting."""
    return best_of(*best_evaluations(table), k)
