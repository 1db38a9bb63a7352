"""Ray's population-based training with a searcher's initial points, seeded draws and values that stay in the space."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ray.train._internal.session import _FutureTrainingResult, _TrainingResult
from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining, TrialScheduler
from ray.tune.schedulers.pbt import _PBTTrialState

from tuneoff.algorithms.adapters.results import RayMetric, has_score, score_of
from tuneoff.algorithms.base import MODE, SCORE, TIME
from tuneoff.algorithms.schedulers.pbt import Settings, explore
from tuneoff.space import SearchSpace


class Pbt(RayMetric, PopulationBasedTraining):  # type: ignore[misc]
    """Ray's refuses a searcher, draws from the global `random`, never clips, never replaces a member whose score is
    NaN, is not saved with an experiment, and hangs in synchronous mode when a member ends or fails before the others.

    Ray asks no scheduler about a trial's last result, so nothing is exploited then; a member that has ended is
    neither donor nor replaced.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        space: SearchSpace,
        mutated: Sequence[str],
        interval: int,
        population: int,
        generator: Callable[[int], np.random.Generator],
    ) -> None:
        super().__init__(
            time_attr=TIME,
            metric=SCORE,
            mode=MODE,
            perturbation_interval=interval,
            hyperparam_mutations={name: [] for name in mutated},  # Ray reads the names only: see _get_new_config
            quantile_fraction=settings.quantile_fraction,
            resample_probability=settings.resample_probability,
            perturbation_factors=settings.perturbation_factors,
            log_config=False,
            synch=settings.synchronous,
        )
        self._next_perturbation_sync: int = interval
        self._settings = settings
        self._space = space
        self._mutated = tuple(mutated)
        self._population = population
        self._generator = generator
        self._rng = generator(0)
        """Of the exploit at hand; each has its own."""
        self._earlier: dict[str, tuple[int, float]] = {}

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:  # noqa: ARG002
        """A trial tried again after a failure keeps its state; one restored from disk has it from its checkpoint."""
        if trial in self._trial_state:
            return
        state = self._trial_state[trial] = _PBTTrialState(trial)
        state.orig_tag = str(trial.experiment_tag).split("@perturbed")[0]
        saved = trial.latest_checkpoint_result
        if saved is not None and saved.checkpoint and has_score(saved.metrics) and TIME in saved.metrics:
            self._save_trial_state(state, saved.metrics[TIME], saved.metrics, trial)
            state.last_perturbation_time = saved.metrics[TIME]
            state.last_checkpoint = saved.checkpoint
        earlier = self._earlier.pop(str(trial.config.get("trial")), None)
        if earlier is not None:
            state.last_perturbation_time = state.last_train_time = earlier[0]
            state.last_score = earlier[1]

    def replay(self, trial_id: str, evaluation: int, score: float) -> None:
        """Takes a result of an earlier session for this member's last, under its name in `config["trial"]`."""
        self._earlier[trial_id] = (evaluation, score)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """Synchronous members only pause here: `choose_trial_to_run` compares them once all have paused."""
        score_of(result, trial.trial_id)
        state = self._trial_state[trial]
        if not self._synch:
            return str(super().on_trial_result(tune_controller, trial, result))
        if result[TIME] < self._next_perturbation_sync:
            return str(TrialScheduler.CONTINUE)
        self._save_trial_state(state, result[TIME], dict(result), trial)
        return str(TrialScheduler.PAUSE)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        if self._synch:
            self._compare_all(tune_controller)
        chosen: Trial | None = super().choose_trial_to_run(tune_controller)
        return chosen

    def _compare_all(self, tune_controller: Any) -> None:
        """One round of a synchronous population, where every member that is left has paused at its end."""
        trials = tune_controller.get_trials()
        alive = [trial for trial in trials if not trial.is_finished()]
        if len(trials) < self._population or not alive:
            return
        if any(t.status != Trial.PAUSED or self._trial_state[t].last_train_time < self._next_perturbation_sync for t in alive):
            return
        lower, upper = self._quantiles()
        for trial in [*upper, *[t for t in alive if t not in upper and t not in lower], *lower]:
            self._trial_state[trial].last_perturbation_time = self._trial_state[trial].last_train_time
            self._checkpoint_or_exploit(trial, tune_controller, upper, lower)
        newest = max(self._trial_state[trial].last_train_time for trial in alive)
        self._next_perturbation_sync = max(self._next_perturbation_sync, newest) + self._perturbation_interval

    def _quantiles(self) -> tuple[list[Trial], list[Trial]]:
        """The worst and the best of the members that reported and still run; a score that isn't finite is worst."""
        scores = {
            trial: state.last_score
            for trial, state in self._trial_state.items()
            if state.last_score is not None and not trial.is_finished()
        }
        ranked = sorted(scores, key=lambda trial: scores[trial] if math.isfinite(scores[trial]) else -math.inf)
        count = min(math.ceil(len(ranked) * self._quantile_fraction), len(ranked) // 2)
        best = [trial for trial in ranked[len(ranked) - count :] if math.isfinite(scores[trial])]
        return (ranked[:count], best) if best else ([], [])

    def _checkpoint_or_exploit(
        self, trial: Trial, tune_controller: Any, upper_quantile: list[Trial], lower_quantile: list[Trial]
    ) -> None:
        """Ray's saves the best; the choice of a donor is ours: drawn from those of the best that have a checkpoint."""
        super()._checkpoint_or_exploit(trial, tune_controller, upper_quantile, [])
        if trial not in lower_quantile:
            return
        self._rng = self._generator(self._num_perturbations)
        for index in self._rng.permutation(len(upper_quantile)):
            donor = upper_quantile[int(index)]
            if self._has_checkpoint(donor):
                self._exploit(tune_controller, trial, donor)
                return

    def _has_checkpoint(self, donor: Trial) -> bool:
        """Waits for the donor's checkpoint if it is being written. False where there is none of its last result."""
        state = self._trial_state[donor]
        saved = state.last_checkpoint or donor.temporary_state.saving_to  # the latter while the donor is being paused
        if saved is None and donor.status == Trial.PAUSED:
            saved = donor.latest_checkpoint_result
        if isinstance(saved, _FutureTrainingResult):
            saved = saved.resolve()
        if isinstance(saved, _TrainingResult):
            current = saved.metrics.get(TIME) == state.last_train_time
            state.last_checkpoint = saved.checkpoint if current else None
            state.last_result = saved.metrics if current else state.last_result
        elif saved is None:
            state.last_checkpoint = None
        return state.last_checkpoint is not None and _exists(state.last_checkpoint)

    def _get_new_config(self, trial: Trial, trial_to_clone: Trial) -> tuple[dict[str, Any], dict[str, str]]:
        """The donor's hyperparameters, perturbed; what is no hyperparameter of the space stays the trial's own."""
        donor = {name: trial_to_clone.config[name] for name in self._space.domains}
        point, operations = explore(donor, space=self._space, mutated=self._mutated, settings=self._settings, rng=self._rng)
        return {**trial.config, **point}, operations


def _exists(checkpoint: Any) -> bool:
    """Ray deletes checkpoints that are older than it was told to keep."""
    from pyarrow.fs import FileType

    info = checkpoint.filesystem.get_file_info(checkpoint.path)
    return bool(info.type != FileType.NotFound)
