"""THE training function: every search runs this one, unless it brings its own trainer. Knows neither Ray nor Hydra.

Progress is counted in examples seen. The learning rate of a step is `learning_rate x lr_factor(progress)`, computed,
and weight decay is read from the hyperparameters at each step; a checkpoint restores weights, moments, progress and
generators, never an optimiser's or scheduler's settings. So a mutated hyperparameter acts at the very next step, and a
mutated batch size goes on at the very next example.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.evaluation import Cost, Score
from tuneoff.model.network import Network
from tuneoff.task.kinds.contracts import Scoring
from tuneoff.training.batches import DeviceSplit, Slice, by_length, epoch_order
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.generators import own_generators, seeded
from tuneoff.training.hparams import HParams
from tuneoff.training.losses import find_loss
from tuneoff.training.lr_schedule import lr_factor
from tuneoff.training.protocol import RESUME_TRAINER_2020, Diverged, Environment, Evaluation, OutOfTime, State, Trial
from tuneoff.training.settings import TrainingSettings
from tuneoff.training.step import Stepper, Steppers


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that the trials of a search share."""

    network: Network
    train: DeviceSplit
    validation: DeviceSplit
    test: DeviceSplit | None
    scoring: Scoring
    bf16: bool
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    environment: Environment = field(default_factory=Environment)
    steppers: Steppers = field(default_factory=Steppers)

    @property
    def device(self) -> torch.device:
        return self.train.device

    @property
    def stepper(self) -> Stepper:
        return self.steppers.get(
            self.network,
            self.train,
            find_loss(self.scoring.loss),
            bf16=self.bf16,
            cuda_graphs=self.settings.cuda_graphs == "auto",
        )


def finetune(job: Job, hparams: HParams, *, seed: int, state: State | None = None) -> Trial:
    """Trains and yields an `Evaluation` at each evaluation point; `send(values)` changes the hyperparameters of what follows.

    Starts from the pre-trained weights and a head drawn from `seed`, or goes on from `state`. Ends when `num_epochs`
    are seen. Raises `Diverged` when the training or validation loss is not finite.
    """
    run = Run(job, hparams, seed, state)
    while not run.done:
        changed = yield run.advance()
        if changed is not None:
            run.hparams = HParams.from_dict(changed)


class Run:
    """One trial in progress, which `finetune` drives; calibration trains its batches."""

    def __init__(self, job: Job, hparams: HParams, seed: int, state: State | None) -> None:
        started = time.perf_counter()
        self.job, self.hparams, self.seed = job, hparams, seed
        self.n = len(job.train)
        job.network.arrange(hparams.adapter)
        self.stepper = job.stepper
        self.stepper.reset()
        self.steps = self.examples_seen = 0
        self.applied: tuple[float, float] | None = None
        if state is None:
            job.network.reset(seed)
            self.generators = seeded(seed, job.device)
        else:
            self._restore(state)
        seconds = time.perf_counter() - started
        self.cost = Cost(start_up_seconds=seconds) if state is None else Cost(load_seconds=seconds)

    def _restore(self, saved: State) -> None:
        state = TrainState.of(saved)
        parameters = self.job.network.trained()
        with torch.no_grad():
            for name, tensor in state.weights.items():
                parameters[name].copy_(tensor)
        self.stepper.optimiser.load_moments(state.moments, state.steps)
        self.generators = dict(state.generators)
        self.steps, self.seed, self.examples_seen = state.steps, state.seed, state.examples_seen
        if self.job.environment.resume == RESUME_TRAINER_2020:
            # transformers 3.0.2: the optimiser's and scheduler's saved settings replace the mutated ones, and progress
            # is recomputed from the step count under the new batch size.
            self.applied = (state.applied_lr, state.applied_weight_decay)
            self.examples_seen = _progress_by_steps(self.steps, self.hparams.batch_size, self.n)

    @property
    def in_force(self) -> HParams:
        """The values with which the optimiser steps: the mutated ones, unless the published code's defect overrides them."""
        if self.applied is None:
            return self.hparams
        return self.hparams.replace({"learning_rate": self.applied[0], "weight_decay": self.applied[1]})

    @property
    def total(self) -> int:
        return self.hparams.num_epochs * self.n

    @property
    def done(self) -> bool:
        return self.examples_seen >= self.total

    def advance(self) -> Evaluation:
        """Trains to the next evaluation point and evaluates."""
        started = time.perf_counter()
        target = self._next_point()
        with own_generators(self.generators, self.job.device):
            loss, tokens, steps, examples = self._train(target)
        trained = time.perf_counter()
        work = Cost(train_seconds=trained - started, train_steps=steps, train_examples=examples, train_tokens=tokens)
        self._must_be_finite(loss, "training", work)
        validation = self._evaluate(self.job.validation, keep_predictions=False)
        evaluated = time.perf_counter()
        work = work + Cost(evaluate_seconds=evaluated - trained)
        self._must_be_finite(validation.loss, "validation", work)
        test = None
        if self.job.test is not None and self.job.environment.wants_test(validation.metrics[self.job.scoring.metric]):
            test = self._evaluate(self.job.test, keep_predictions=True)
        cost = self.cost + work + Cost(test_seconds=time.perf_counter() - evaluated if test else 0.0)
        self.cost = Cost()
        return Evaluation(
            hparams=self.in_force.to_dict(),
            examples_seen=self.examples_seen,
            epoch=self.examples_seen / self.n,
            validation=validation,
            test=test,
            cost=cost,
            done=self.done,
            capture=self.capture,
        )

    def _next_point(self) -> int:
        """Examples at which the next evaluation is due: the next multiple of an epoch's share, at most the end."""
        share = self.n / self.job.settings.evaluations_per_epoch
        return min(math.ceil((math.floor(self.examples_seen / share + 1e-9) + 1) * share - 1e-9), self.total)

    def _train(self, target: int) -> tuple[float, int, int, int]:
        """Steps until `target` examples are seen; returns the summed loss, real tokens, steps and examples."""
        self.stepper.prepare(self.hparams)
        out_of_time = self.job.environment.out_of_time
        tokens, first_step, first_example, started = 0, self.steps, self.examples_seen, time.perf_counter()
        while self.examples_seen < target:
            for batch in self.epoch_batches():
                self.step(batch)
                tokens += batch.tokens
                if self.examples_seen >= target:
                    break
                if out_of_time is not None and out_of_time():
                    raise OutOfTime(
                        "out of time",
                        self.cost
                        + Cost(
                            train_seconds=time.perf_counter() - started,
                            train_steps=self.steps - first_step,
                            train_examples=self.examples_seen - first_example,
                            train_tokens=tokens,
                        ),
                    )
        return self.stepper.take_loss(), tokens, self.steps - first_step, self.examples_seen - first_example

    def epoch_batches(self) -> Iterator[Slice]:
        """The remaining batches of the current epoch; a batch never reaches into the next one."""
        epoch, position = divmod(self.examples_seen, self.n)
        order = epoch_order(self.job.train.lengths, self.seed, epoch, self.job.settings.bucket_lengths)
        return self.job.train.slices(order[position:], self.hparams.batch_size)

    def step(self, batch: Slice) -> None:
        rate, decay = self.applied or (self.hparams.learning_rate, self.hparams.weight_decay)
        self.stepper.step(batch, self.hparams, rate * lr_factor(self.hparams, self.examples_seen, self.total), decay)
        self.steps += 1
        self.examples_seen += len(batch.rows)

    def _evaluate(self, split: DeviceSplit, *, keep_predictions: bool) -> Score:
        order = by_length(split.lengths)
        logits: NDArray[np.float32] = np.empty((len(split), self.job.scoring.n_outputs), dtype=np.float32)
        logits[order] = predict(self.job, split, order)
        return self.job.scoring.score(logits, split.labels, keep_predictions=keep_predictions)

    def _must_be_finite(self, loss: float, which: str, work: Cost) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"the {which} loss is {loss} after {self.examples_seen} examples", self.cost + work)

    def capture(self) -> State:
        rate, decay = self.applied or (self.hparams.learning_rate, self.hparams.weight_decay)
        return TrainState(
            weights={name: _copy(p) for name, p in self.job.network.trained().items()},
            moments={name: _copy(t) for name, t in self.stepper.optimiser.moments().items()},
            generators=dict(self.generators),
            steps=self.steps,
            examples_seen=self.examples_seen,
            epoch=self.examples_seen / self.n,
            seed=self.seed,
            hparams=self.hparams,
            applied_lr=rate,
            applied_weight_decay=decay,
        ).to_state()


@torch.inference_mode()
def predict(job: Job, split: DeviceSplit, order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits of the rows in `order`, shape (rows, n_outputs), without dropout."""
    job.network.module.eval()
    outputs = [job.network.logits(batch, bf16=job.bf16) for batch in split.batches(order, job.settings.evaluation_batch_size)]
    logits: NDArray[np.float32] = torch.cat(outputs).cpu().numpy()
    return logits


def _progress_by_steps(steps: int, batch_size: int, n: int) -> int:
    """Progress as transformers 3.0.2 recomputes it: whole epochs by step count, then steps skipped in this epoch."""
    steps_per_epoch = math.ceil(n / batch_size)
    epochs, skipped = divmod(steps, steps_per_epoch)
    return epochs * n + skipped * batch_size


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True)
