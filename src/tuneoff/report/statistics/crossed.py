"""Two sources of chance at once: the repeats, and the test rows on which all of them are scored.

Every repeat of a search is scored on the same m test rows, so a mean over repeats is not surer than the rows allow. With
Y[r, i] the outcome of repeat r on row i, the model is that of two crossed random effects,

  Y[r, i] = mean + repeat[r] + row[i] + rest[r, i],

and the variance of the grand mean is var(repeat) / n + var(row) / m + var(rest) / (n m) (Searle, Casella and McCulloch 1992,
chapter 4). Its estimate from mean squares is MS(repeat) / (n m) + (MS(row) - MS(rest)) / (n m). The first term alone is
Student's interval over repeats; the second is what the rows add, and is not let below 0. The half-width is the root of the sum
of squares of the two parts' own, Student's with n - 1 degrees of freedom and the normal one, as Cochran (1964) joins unequal
variances: it is never narrower than Student's interval. One pooled number of degrees of freedom (Satterthwaite 1946) was: where
the rows' part is overrated by chance at 3 repeats, it takes the many degrees of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tuneoff.report.statistics.distributions import normal_quantile, student_quantile
from tuneoff.report.statistics.summary import Interval, as_scores


@dataclass(frozen=True, kw_only=True)
class RowSquares:
    """What a table of outcomes, n repeats by `rows` test rows, has to say of its rows.

    of_means: sum over rows of the squared mean over repeats. of_all: sum over all cells of the squared outcome.
    """

    rows: int
    of_means: float
    of_all: float

    @classmethod
    def of(cls, outcomes: ArrayLike) -> RowSquares:
        """outcomes: shape (n, m). The sign of a column makes no difference."""
        table = np.asarray(outcomes, dtype=np.float64)
        return cls(rows=table.shape[1], of_means=float((table.mean(axis=0) ** 2).sum()), of_all=float((table**2).sum()))


def squares_of_difference(first: ArrayLike, second: ArrayLike) -> RowSquares:
    """Of right minus right (1, 0 or -1), from two classes' predictions without their labels: both of shape (n, m), 0 or 1.

    Where the predictions differ exactly one is right, and the label only decides the sign of a whole column.
    """
    return RowSquares.of(np.asarray(first, dtype=np.int8) - np.asarray(second, dtype=np.int8))


def squares_of_right(predictions: ArrayLike, accuracies: ArrayLike) -> RowSquares:
    """Of right (1) or wrong (0), from two classes' predictions, shape (n, m), and the accuracy of each repeat, shape (n,).

    A row that a share p of the repeats calls 1 is right in a share p or 1 - p of them: with s that share, s^2 = s - p (1 - p),
    and the sum of s over rows is m times the mean accuracy.
    """
    table, right = np.asarray(predictions, dtype=np.float64), as_scores(accuracies)
    share, (n, m) = table.mean(axis=0), table.shape
    return RowSquares(
        rows=m, of_means=float(m * right.mean() - (share * (1 - share)).sum()), of_all=float(n * m * right.mean())
    )


def crossed_interval(means: ArrayLike, squares: RowSquares | None = None, level: float = 0.95) -> Interval:
    """Around the mean of `means`, shape (n,): the outcome of each repeat over the same rows. NaN bounds for one repeat.

    squares: None where the rows are not known: then it is Student's interval over repeats alone.
    """
    scores = as_scores(means)
    n, middle = len(scores), float(scores.mean())
    if n < 2:
        return Interval(estimate=middle, low=float("nan"), high=float("nan"), level=level)
    of_repeats = float(scores.var(ddof=1)) / n
    of_rows = 0.0 if squares is None else row_variance(scores, squares)
    half_of_repeats = student_quantile((1 + level) / 2, n - 1) * np.sqrt(of_repeats)
    half_of_rows = normal_quantile((1 + level) / 2) * np.sqrt(of_rows)
    half = float(np.hypot(half_of_repeats, half_of_rows))
    return Interval(estimate=middle, low=middle - half, high=middle + half, level=level)


def row_variance(means: ArrayLike, squares: RowSquares) -> float:
    """What the rows add to the variance of the grand mean: (MS(row) - MS(rest)) / (n m), at least 0. means: shape (n >= 2,)."""
    scores = as_scores(means)
    n, m, grand = len(scores), squares.rows, float(scores.mean())
    if m < 2:
        return 0.0
    of_rows = max(0.0, squares.of_means - m * grand**2)
    of_repeats = float(((scores - grand) ** 2).sum())
    rest = max(0.0, squares.of_all - n * m * grand**2 - m * of_repeats - n * of_rows)
    between, within = n * of_rows / (m - 1), rest / ((n - 1) * (m - 1))
    return max(0.0, between - within) / (n * m)
