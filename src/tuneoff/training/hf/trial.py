"""The trials of a search whose trainer is a user's own transformers.Trainer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tuneoff.evaluation import Cost, Score
from tuneoff.training.hf.build import Made, Maker, checked, in_force, make_trainer
from tuneoff.training.hf.drive import Paused, Seconds, Training
from tuneoff.training.hf.scores import TEST, VALIDATION, Objective, finite, score
from tuneoff.training.hf.state import WEIGHTS
from tuneoff.training.hf.turns import Turns
from tuneoff.training.protocol import Diverged, Environment, Evaluation, OutOfTime, State, Trainer, Trial, Values


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that the trials of a search share. points: of the clock, in an epoch."""

    maker: Maker
    objective: Objective
    points: int
    environment: Environment

    def make(self, values: Values, *, seed: int, folder: str) -> Made:
        forced = {"use_cpu": True} if self.environment.device == "cpu" else {}
        output = partial(trial_folder, name=folder)
        return checked(self.maker, make_trainer(self.maker, values, seed=seed, output=output, **forced), values)


def trial_folder(given: str, *, name: str) -> str:
    """A folder of the trial's own in the script's output folder."""
    path = Path(given)
    return str(path if path.name == name else path / name)


class HfTrainer(Trainer):
    def __init__(self, job: Job) -> None:
        self.job = job

    def start(self, hparams: Values, *, seed: int, state: State | None = None) -> Trial:
        """Each trial's checkpoints go to a folder `trial-SEED` in the script's output folder."""
        return _trial(self.job, hparams, f"trial-{seed}", int(state.numbers["seed"]) if state else seed, state)

    def weights_of(self, state: State) -> State:
        return state.only(WEIGHTS)


def _trial(job: Job, hparams: Values, folder: str, seed: int, state: State | None) -> Trial:
    while True:
        run = _Run(job, hparams, folder, seed, state)
        try:
            while (evaluation := run.advance()) is not None:
                changed = yield evaluation
                if changed is not None and dict(changed) != dict(hparams) and not evaluation.done:
                    state, hparams = evaluation.capture(), changed
                    break
            else:
                return
        finally:
            run.close()


class _Run:
    """One Trainer in progress: of a trial whose hyperparameters change there are several."""

    def __init__(self, job: Job, hparams: Values, folder: str, seed: int, state: State | None) -> None:
        self.job, self.hparams = job, hparams
        self.training = Training(
            make=partial(job.make, hparams, seed=seed, folder=folder),
            values=hparams,
            points=job.points,
            environment=job.environment,
            seed=seed,
            state=state,
        )
        self._turns: Turns[Paused] = Turns(self.training.run)
        self._steps: int | None = None
        self._examples = 0

    def close(self) -> None:
        self._turns.close()

    def advance(self) -> Evaluation | None:
        """Trains to the next evaluation that counts; None where nothing is left. Raises OutOfTime and Diverged."""
        began, training = time.perf_counter(), self.training
        try:
            paused = self._turns.next()
        except OutOfTime as error:
            raise OutOfTime(str(error), self._cost(time.perf_counter() - began)) from None
        if paused is None:
            return None
        cost = self._cost(time.perf_counter() - began)
        validation = self._score(paused.metrics, VALIDATION, paused.said)
        if not finite(validation, self.job.objective):
            raise Diverged(f"the validation loss is {validation.loss} after {training.examples(training.place)} examples", cost)
        tested = time.perf_counter()
        test = self._test(validation)
        cost = cost + Cost(test_seconds=time.perf_counter() - tested if test else 0.0)
        seen = training.examples(training.place)
        return Evaluation(
            hparams=in_force(training.trainer, self.hparams),
            examples_seen=seen,
            epoch=seen / training.grid.n,
            validation=validation,
            test=test,
            cost=cost,
            done=paused.final,
            capture=lambda: self._turns.ask(training.capture),
            intervals=max(1, training.told()),
        )

    def _test(self, validation: Score) -> Score | None:
        if not self.job.environment.wants_test(validation.metrics[self.job.objective.name]):
            return None
        metrics, said = self._turns.ask(self.training.test)
        return self._score(metrics, TEST, said)

    def _score(self, metrics: dict[str, Any], split: str, said: Any) -> Score:
        dataset = self.training.trainer.eval_dataset if split == VALIDATION else self.training.made.test_dataset
        parts = dataset.values() if isinstance(dataset, dict) else [dataset]
        return score(metrics, split, self.job.objective, said, sum(len(part) for part in parts))

    def _cost(self, seconds: float) -> Cost:
        """The cost of a turn of so many seconds."""
        training, spent = self.training, self.training.seconds
        training.seconds = Seconds()
        steps = training.trainer.state.global_step
        seen = training.examples(training.place)
        if self._steps is None:
            self._steps = training.start.epoch * training.grid.steps + training.grid.steps_before(training.start.position)
            self._examples = training.examples(training.start)
        before, self._steps, self._examples = (self._steps, self._examples), steps, seen
        begin = {"start_up_seconds" if training.state is None else "load_seconds": spent.begin}
        return Cost(
            **begin,
            train_seconds=max(0.0, seconds - spent.begin - spent.evaluate - spent.save),
            evaluate_seconds=spent.evaluate,
            save_seconds=spent.save,
            train_steps=steps - before[0],
            train_examples=seen - before[1],
            train_tokens=training.tokens(),
        )
