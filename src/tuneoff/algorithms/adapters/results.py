"""Reading the score of a Ray result, and keeping Ray's own check of it out of the way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tuneoff.algorithms.base import MODE, SCORE
from tuneoff.algorithms.settings import AlgorithmError


class RayMetric:
    """Mixed into our searchers and schedulers, before Ray's class.

    Ray refuses every result without the `metric` of the searcher or scheduler, the last one of a diverged trial
    included, which has no score because none is invented. So none is declared to Ray; `score_of` checks the results
    of trials that go on.
    """

    @property
    def metric(self) -> None:
        return None

    def set_search_properties(self, metric: str | None, mode: str | None, *args: Any, **spec: Any) -> bool:  # noqa: ARG002
        """True where what `TuneConfig` was given is what we go by anyway."""
        return metric in (None, SCORE) and mode in (None, MODE)


def score_of(result: Mapping[str, Any], trial_id: str) -> float:
    """The score (it may be NaN); AlgorithmError where it is missing, because Ray's schedulers then go on silently."""
    if result.get(SCORE) is None:
        raise AlgorithmError(
            f"trial {trial_id} reported {sorted(result)}, but a result must have a {SCORE!r}: "
            "searchers and schedulers can't compare trials without it; report it, or end the trial"
        )
    return float(result[SCORE])


def has_score(result: Mapping[str, Any] | None) -> bool:
    return bool(result) and result is not None and result.get(SCORE) is not None and math.isfinite(result[SCORE])
