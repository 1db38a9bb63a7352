"""Ray Tune's controller, with one fault of its mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ray.tune import tune as module
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial


class Controller(TuneController):  # type: ignore[misc]
    """A trial whose process dies while it takes the trial over goes on in another process.

    Ray 2.60 counts such a death twice, as the process's and as that of its call; by then the trial waits for another process,
    and one that fails while it waits is given up. An idle process that died is noticed only there.
    """

    def _actor_failed(self, tracked_actor: Any, exception: Exception) -> None:
        trial = self._actor_to_trial[tracked_actor]
        if trial in self._resetting_trials:
            self._resetting_trials.remove(trial)
            self._unstage_trial_with_resources(trial)
            self._set_trial_status(trial, Trial.RUNNING)  # the death is counted once then, by the call that follows this one
        super()._actor_failed(tracked_actor, exception)


@contextmanager
def own_controller() -> Iterator[None]:
    """`Tuner` has no argument for a controller: in this block it makes ours."""
    made = module.TuneController
    module.TuneController = Controller
    try:
        yield
    finally:
        module.TuneController = made
