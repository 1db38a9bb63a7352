"""THE training function: every search runs this one. Knows neither Ray nor Hydra.

Progress is counted in examples seen. The learning rate of a step is `learning_rate x lr_factor(progress)`, computed,
and weight decay is read from the hyperparameters at each step; a checkpoint restores weights, moments, progress and
generators, never an optimiser's or scheduler's settings. So a mutated hyperparameter acts at the very next step, and a
mutated batch size goes on at the very next example.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from tuneoff.evaluation import Cost, Score
from tuneoff.hparams import HParams
from tuneoff.model.loading import Network
from tuneoff.task.metrics import score_predictions
from tuneoff.training.batches import DeviceSplit, Slice, by_length, epoch_order
from tuneoff.training.checkpoint import TrainState
from tuneoff.training.generators import own_generators, seeded
from tuneoff.training.lr_schedule import lr_factor
from tuneoff.training.protocol import RESUME_EXAMPLES, RESUME_TRAINER_2020
from tuneoff.training.step import Stepper, Steppers


class _Cut(Exception):
    """`cost` is what was spent since the last evaluation."""

    def __init__(self, message: str, cost: Cost) -> None:
        super().__init__(message)
        self.cost = cost


class Diverged(_Cut):
    """The loss is not a finite number any more."""


class OutOfTime(_Cut):
    """`Job.out_of_time` said so in the middle of an interval, which is lost."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all trials of a search share. `wants_test(validation_score)` decides whether the test split is scored."""

    network: Network
    train: DeviceSplit
    validation: DeviceSplit
    test: DeviceSplit | None
    n_labels: int
    metrics: tuple[str, ...]
    device: torch.device
    bf16: bool
    evaluations_per_epoch: int = 1
    bucket_lengths: bool = True
    evaluation_batch_size: int = 64
    resume: str = RESUME_EXAMPLES
    cuda_graphs: bool = True
    wants_test: Callable[[float], bool] = field(default=lambda _: True)
    out_of_time: Callable[[], bool] | None = None
    steppers: Steppers = field(default_factory=Steppers)

    @property
    def stepper(self) -> Stepper:
        return self.steppers.get(self.network, self.train, bf16=self.bf16, cuda_graphs=self.cuda_graphs)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What the generator yields. `capture(writer)` copies the complete state; valid until the generator goes on."""

    hparams: HParams
    examples_seen: int
    epoch: float
    validation: Score
    test: Score | None
    cost: Cost
    done: bool
    capture: Callable[[str], TrainState]


def finetune(
    job: Job, hparams: HParams, *, seed: int, state: TrainState | None = None
) -> Generator[Evaluation, HParams | None, None]:
    """Trains and yields an `Evaluation` at each evaluation point; `send(hparams)` changes what follows.

    Starts from the pre-trained weights and a head drawn from `seed`, or goes on from `state`. Ends when `num_epochs`
    are seen. Raises `Diverged` when the training or validation loss is not finite.
    """
    run = Run(job, hparams, seed, state)
    while not run.done:
        changed = yield run.advance()
        if changed is not None:
            run.hparams = changed


class Run:
    """One trial in progress: what `finetune` goes by, and calibration steps through."""

    def __init__(self, job: Job, hparams: HParams, seed: int, state: TrainState | None) -> None:
        started = time.perf_counter()
        self.job, self.hparams, self.seed = job, hparams, seed
        self.n = len(job.train)
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

    def _restore(self, state: TrainState) -> None:
        parameters = dict(self.job.network.module.named_parameters())
        with torch.no_grad():
            for name, tensor in state.weights.items():
                parameters[name].copy_(tensor)
        self.stepper.optimiser.load_moments(state.moments, state.steps)
        self.generators = dict(state.generators)
        self.steps, self.seed, self.examples_seen = state.steps, state.seed, state.examples_seen
        if self.job.resume == RESUME_TRAINER_2020:
            # transformers 3.0.2: the optimiser's and scheduler's saved settings replace the mutated ones, and progress
            # is recomputed from the step count under the new batch size.
            self.applied = (state.applied_lr, state.applied_weight_decay)
            self.examples_seen = _progress_by_steps(self.steps, self.hparams.batch_size, self.n)

    @property
    def in_force(self) -> HParams:
        """What the optimiser steps with: the mutated values, unless the published code's defect overrides them."""
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
        if self.job.test is not None and self.job.wants_test(validation.metrics[self.job.metrics[0]]):
            test = self._evaluate(self.job.test, keep_predictions=True)
        cost = self.cost + work + Cost(test_seconds=time.perf_counter() - evaluated if test else 0.0)
        self.cost = Cost()
        return Evaluation(
            hparams=self.in_force,
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
        share = self.n / self.job.evaluations_per_epoch
        return min(math.ceil((math.floor(self.examples_seen / share + 1e-9) + 1) * share - 1e-9), self.total)

    def _train(self, target: int) -> tuple[float, int, int, int]:
        """Steps until `target` examples are seen; returns the summed loss, real tokens, steps and examples."""
        self.stepper.prepare(self.hparams)
        tokens, first_step, first_example, started = 0, self.steps, self.examples_seen, time.perf_counter()
        while self.examples_seen < target:
            for batch in self.epoch_batches():
                self.step(batch)
                tokens += batch.tokens
                if self.examples_seen >= target:
                    break
                if self.job.out_of_time is not None and self.job.out_of_time():
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
        """What is left of the current epoch; a batch never reaches into the next one."""
        epoch, position = divmod(self.examples_seen, self.n)
        order = epoch_order(self.job.train.lengths, self.seed, epoch, self.job.bucket_lengths)
        return self.job.train.slices(order[position:], self.hparams.batch_size)

    def step(self, batch: Slice) -> None:
        rate, decay = self.applied or (self.hparams.learning_rate, self.hparams.weight_decay)
        self.stepper.step(batch, self.hparams, rate * lr_factor(self.hparams, self.examples_seen, self.total), decay)
        self.steps += 1
        self.examples_seen += len(batch.rows)

    def _evaluate(self, split: DeviceSplit, *, keep_predictions: bool) -> Score:
        order = by_length(split.lengths)
        logits: NDArray[np.float32] = np.empty((len(split), self.job.n_labels), dtype=np.float32)
        logits[order] = predict(self.job, split, order)
        return score_predictions(logits, split.labels, self.job.metrics, keep_predictions=keep_predictions)

    def _must_be_finite(self, loss: float, which: str, work: Cost) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"the {which} loss is {loss} after {self.examples_seen} examples", self.cost + work)

    def capture(self, writer: str) -> TrainState:
        module = self.job.network.module
        rate, decay = self.applied or (self.hparams.learning_rate, self.hparams.weight_decay)
        return TrainState(
            weights={name: _copy(p) for name, p in module.named_parameters()},
            moments={name: _copy(t) for name, t in self.stepper.optimiser.moments().items()},
            generators=dict(self.generators),
            steps=self.steps,
            examples_seen=self.examples_seen,
            seed=self.seed,
            hparams=self.hparams,
            applied_lr=rate,
            applied_weight_decay=decay,
            writer=writer,
        )


@torch.inference_mode()
def predict(job: Job, split: DeviceSplit, order: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits of the rows in `order`, shape (rows, n_labels), without dropout."""
    job.network.module.eval()
    outputs = [job.network.logits(batch, bf16=job.bf16) for batch in split.batches(order, job.evaluation_batch_size)]
    logits: NDArray[np.float32] = torch.cat(outputs).cpu().numpy()
    return logits


def _progress_by_steps(steps: int, batch_size: int, n: int) -> int:
    """Progress as transformers 3.0.2 recomputes it: whole epochs by step count, then steps skipped in this epoch."""
    steps_per_epoch = math.ceil(n / batch_size)
    epochs, skipped = divmod(steps, steps_per_epoch)
    return epochs * n + skipped * batch_size


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", copy=True)
