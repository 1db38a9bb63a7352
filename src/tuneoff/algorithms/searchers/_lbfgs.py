"""L-BFGS-B from several starts at once, so that what they ask for can be computed together.

The steps are those of `scipy.optimize.minimize(method="L-BFGS-B")` from each start. Its compiled routine is asked directly
where it has the interface that is known here: that is not public, but scipy spends ten times as long around it as in it.
Any other version of scipy is called by its public function, one start after another, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import fmin_l_bfgs_b

Numbers: TypeAlias = NDArray[np.float64]
Objective: TypeAlias = Callable[[Numbers], tuple[Numbers, Numbers]]
"""Of points, shape (m, dim): their values, shape (m,), and gradients, shape (m, dim). A point's do not depend on the others."""

KNOWN = "setulb(m,x,l,u,nbd,f,g,factr,pgtol,wa,iwa,task,lsave,isave,dsave,maxls,ln_task)"
FTOL, GTOL, CORRECTIONS, LINE_STEPS, MOST = 2.2204460492503131e-09, 1e-5, 10, 20, 15_000
"""scipy.optimize.minimize's own settings."""
FACTOR = FTOL / np.finfo(float).eps
NEW_ITERATION, EVALUATE, CONVERGED = 1, 3, 4
"""Of `task`, in scipy's routine."""


@dataclass(frozen=True, kw_only=True)
class Optimum:
    at: Numbers
    value: float
    converged: bool


def minimise(objective: Objective, starts: Sequence[Numbers], low: float, high: float) -> list[Optimum]:
    """The optimum from each start, all numbers of a point being between low and high."""
    routine = _routine()
    if routine is None:
        return [_by_scipy(objective, start, low, high) for start in starts]
    descents = [_Descent(routine, start, low, high) for start in starts]
    going = descents
    while going:
        values, gradients = objective(np.array([descent.at for descent in going]))
        for descent, value, gradient in zip(going, values, gradients, strict=True):
            descent.go_on(float(value), gradient)
        going = [descent for descent in going if descent.task[0] == EVALUATE]
    return [Optimum(at=one.at, value=one.value, converged=int(one.task[0]) == CONVERGED) for one in descents]


def _routine() -> Any:
    """scipy's own; None where it has another interface."""
    try:
        from scipy.optimize import _lbfgsb
    except ImportError:
        return None
    return _lbfgsb.setulb if getattr(_lbfgsb.setulb, "__doc__", "") == KNOWN else None


def _by_scipy(objective: Objective, start: Numbers, low: float, high: float) -> Optimum:
    def alone(point: Numbers) -> tuple[float, Numbers]:
        values, gradients = objective(point[np.newaxis])
        return float(values[0]), gradients[0]

    at, value, how = fmin_l_bfgs_b(alone, start, bounds=[(low, high)] * len(start), factr=FACTOR, pgtol=GTOL)
    return Optimum(at=at, value=float(value), converged=how["warnflag"] == 0)


class _Descent:
    """From one start. at: where its objective is wanted while task says so, and its end after that."""

    def __init__(self, routine: Any, start: Numbers, low: float, high: float) -> None:
        n, m = len(start), CORRECTIONS
        self.at, self.value = np.clip(start, low, high), 0.0
        self.task = np.zeros(2, dtype=np.int32)
        self._routine, self._evaluations, self._iterations = routine, 0, 0
        self._bounds = np.full(n, low), np.full(n, high), np.full(n, 2, dtype=np.int32)
        self._work = (
            np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m),
            np.zeros(3 * n, dtype=np.int32),
            self.task,
            np.zeros(4, dtype=np.int32),
            np.zeros(44, dtype=np.int32),
            np.zeros(29),
            LINE_STEPS,
            np.zeros(2, dtype=np.int32),
        )
        self._until_asked(np.zeros(n))

    def go_on(self, value: float, gradient: Numbers) -> None:
        """To the next point that has to be evaluated, or to the end."""
        self.value = value
        self._evaluations += 1
        self._until_asked(np.ascontiguousarray(gradient))

    def _until_asked(self, gradient: Numbers) -> None:
        while True:
            self._routine(CORRECTIONS, self.at, *self._bounds, self.value, gradient, FACTOR, GTOL, *self._work)
            if self.task[0] != NEW_ITERATION:
                return
            self._iterations += 1
            if self._iterations >= MOST or self._evaluations > MOST:
                return
