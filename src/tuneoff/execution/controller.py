"""Ray Tune's controller, over workers that outlive trials: what `Tuner` has no argument for, and Ray Tune 2.60 does not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import ray
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError
from ray.tune import Trainable
from ray.tune import tune as module
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as TuneTrial

from tuneoff.errors import ConfigError
from tuneoff.execution.messages import TRIAL, result_of
from tuneoff.execution.worker_slots import WorkerSlots


class Trial(Trainable):  # type: ignore[misc]
    """What `Tuner` is told to run, as it asks for a class. None is made: see TuneActor."""


class Actors(RayActorManager):  # type: ignore[misc]
    """Ends no actor: they are workers, which the next search needs."""

    def _try_kill_actor(self) -> bool:
        """Gives up an actor that Ray Tune has waited for in vain since it told it to stop."""
        if not self._live_actors_to_kill:
            return False
        gone = self._live_actors_to_kill.pop()
        self._live_actors_to_ray_actors_resources[gone][0].give_up()
        self._cleanup_actor_futures(gone)
        self._actor_stop_resolved(gone)
        return True

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        """Whatever keeps a worker's answer away (it died, Ray ended it as memory ran short, the answer is lost) counts as its
        death. Ray Tune would end the search where it doesn't know the error."""
        lost = isinstance(exception, RayError) and not isinstance(exception, RayTaskError | RayActorError)
        super()._actor_task_failed(tracked_actor_task, RayActorError(error_msg=str(exception)) if lost else exception)

    def cleanup(self) -> None:
        """At a search's end. What workers are still at, the next search waits for."""
        for actor in self.live_actors:
            self._cleanup_actor(actor)
        self._resource_manager.clear()
        self.__init__(resource_manager=self._resource_manager)  # type: ignore[misc]


class Controller(TuneController):  # type: ignore[misc]
    """Looks for workers that hang, and lets a trial go on whose worker dies while it takes the trial over.

    Such a death Ray Tune counts twice, as the process's and as that of its call; by then the trial waits for another process,
    and one that fails while it waits is given up. An idle process that died is noticed only there.
    """

    def __init__(self, *arguments: Any, slots: WorkerSlots, **named: Any) -> None:
        self._slots = slots
        super().__init__(*arguments, resource_manager_factory=lambda: slots, **named)
        self._actor_manager = Actors(resource_manager=slots)
        self._actor_force_cleanup_timeout = 0  # there are no processes to wait for

    def __getstate__(self) -> dict[str, Any]:
        """Ray Tune pickles it for a restore that is never used."""
        return {name: value for name, value in super().__getstate__().items() if name != "_slots"}

    def step(self) -> None:
        self._slots.end_hung()
        super().step()

    def _actor_failed(self, tracked_actor: Any, exception: Exception) -> None:
        trial = self._actor_to_trial[tracked_actor]
        if trial in self._resetting_trials:
            self._resetting_trials.remove(trial)
            self._unstage_trial_with_resources(trial)
            self._set_trial_status(trial, TuneTrial.RUNNING)  # so that only its call counts the death
        elif self._began_nowhere(tracked_actor, trial, exception):
            trial.run_metadata.num_failures -= 1  # which is about to be counted
        super()._actor_failed(tracked_actor, exception)

    def _began_nowhere(self, tracked_actor: Any, trial: TuneTrial, exception: Exception) -> bool:
        """Whether the worker could not even be told: its machine is gone, which Ray had not noticed."""
        unreached = isinstance(exception, ActorUnavailableError) and not isinstance(exception, RayTaskError)
        return unreached and tracked_actor not in self._started_actors and trial.config[TRIAL] not in self._slots.hung

    def _process_trial_failure(self, trial: TuneTrial, exception: Exception) -> None:
        """A trial whose worker was ended because it hung is over."""
        ended = self._slots.hung.pop(trial.config[TRIAL], None)
        if ended is None:
            super()._process_trial_failure(trial, exception)
        else:
            self._on_training_result(trial, result_of(ended, 0))


NEEDED = {
    RayActorManager: (
        "_try_kill_actor",
        "_actor_task_failed",
        "_actor_stop_resolved",
        "_cleanup_actor",
        "_cleanup_actor_futures",
    ),
    TuneController: (
        "_actor_failed",
        "_on_training_result",
        "_process_trial_failure",
        "_set_trial_status",
        "_unstage_trial_with_resources",
    ),
}
"""Private methods of Ray's that are overridden or called here."""


@contextmanager
def controlling(slots: WorkerSlots) -> Iterator[None]:
    """In this block `Tuner` makes a Controller over these slots. Raises ConfigError with a Ray that has another one inside."""
    missing = [f"{owner.__name__}.{name}" for owner, names in NEEDED.items() for name in names if not hasattr(owner, name)]
    if missing:
        raise ConfigError(
            f"ray is {ray.__version__}, but tuneoff needs one with {', '.join(missing)}: install the version in constraints.txt"
        )
    made = module.TuneController
    module.TuneController = partial(Controller, slots=slots)
    try:
        yield
    finally:
        module.TuneController = made
        slots.close()
