"""A Trainer's own train(), which pauses at its evaluations and can go on from a state.

Nothing of its loop is written again. Of this one Trainer a few methods are wrapped: those that evaluate and save are timed,
the one after which an evaluation is over pauses, and those that would read a checkpoint's files are given a state instead.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from tuneoff.evaluation import Cost
from tuneoff.hparams import NUM_EPOCHS
from tuneoff.training.hf import state as states
from tuneoff.training.hf.build import Made
from tuneoff.training.hf.order import Grid, Place, RememberedOrder, grid_of, remember
from tuneoff.training.hf.scores import TEST, VALIDATION, Heard, heard
from tuneoff.training.protocol import Environment, OutOfTime, State, Values

TINY = 1e-9
STATE_FILE = "trainer_state.json"
WRAPPED = ("get_train_dataloader", "training_step", "evaluate", "_maybe_log_save_evaluate", "_save_checkpoint")
"""The methods of a Trainer in whose place ours are called, which call them."""


@dataclass(kw_only=True)
class Seconds:
    """Seconds since the last evaluation, without those of training."""

    begin: float = 0.0
    evaluate: float = 0.0
    save: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Paused:
    """metrics: those of the evaluation after which the Trainer pauses. said: the predictions behind them. final: nothing is
    trained after it."""

    metrics: dict[str, Any]
    said: Heard
    final: bool


@dataclass(kw_only=True)
class Training:
    """One Trainer that trains a trial, from its beginning or from `state`. points: of the search's clock, in an epoch. seed: of
    the trial's first data order and head."""

    make: Callable[[], Made]
    values: Values
    points: int
    environment: Environment
    seed: int
    state: State | None
    seconds: Seconds = field(default_factory=Seconds)
    made: Made = field(init=False)
    grid: Grid = field(init=False)
    _order: RememberedOrder = field(init=False)
    _stopped: bool = field(default=False, init=False)
    _final: Paused | None = field(default=None, init=False)
    _metrics: dict[str, Any] | None = field(default=None, init=False)
    """Of the evaluation that the current step asked for."""
    _metrics_at: int = field(default=-1, init=False)
    """The step of the last evaluation."""
    _said: Heard = field(default_factory=Heard, init=False)
    _evaluating: int = field(default=0, init=False)
    _tokens: torch.Tensor = field(default_factory=lambda: torch.tensor(0), init=False)

    def run(self, pause: Callable[[Paused], bool]) -> None:
        """Trains to the end of the last epoch. pause: called at evaluations that pass a point of the clock, and at the last; it
        returns False where training is to end."""
        self._pause, self._began = pause, time.perf_counter()
        torch.set_num_threads(self.environment.threads)
        self.made = self.make()
        trainer = self.trainer
        self.grid = grid_of(trainer, trainer.get_train_dataloader())
        saved = states.place_of(self.state) if self.state is not None else Place(epoch=0, position=0, order=None)
        self.start = self.grid.nearest(saved)
        self._told = self.passed(self.start)
        if self.start.epoch >= int(self.values[NUM_EPOCHS]):  # type: ignore[arg-type]
            return
        self._wrap()
        try:
            with self._checkpoint() as folder:
                trainer.train(resume_from_checkpoint=folder)
        except BaseException:
            with suppress(Exception):  # whatever their callbacks open is closed; the error is the one that counts
                trainer.callback_handler.on_train_end(trainer.args, trainer.state, trainer.control)
            raise
        self._end()

    def _end(self) -> None:
        """The last pause. A callback of theirs may have ended training where nothing was evaluated."""
        if self._final is None and not self._stopped and self._metrics_at != self.trainer.state.global_step:
            self.trainer.evaluate()
            self._final = self._evaluated(final=True)
        if self._final is not None:
            self._pause(self._final)

    @property
    def trainer(self) -> Any:
        return self.made.trainer

    @property
    def place(self) -> Place:
        """The place after the steps so far."""
        epoch, steps = divmod(self.trainer.state.global_step, self.grid.steps)
        position = steps * self.grid.step
        if epoch == self.start.epoch and self.start.position:
            position = self.start.position + (steps - self._steps_before) * self.grid.step
        position = min(position, self.grid.n)
        return Place(epoch=epoch, position=position, order=self._order.order if position else None)

    @property
    def _steps_before(self) -> int:
        return self.grid.steps_before(self.start.position)

    def examples(self, place: Place) -> int:
        return place.epoch * self.grid.n + place.position

    def passed(self, place: Place) -> int:
        """The points of the clock that are passed at a place."""
        return math.floor(self.examples(place) * self.points / self.grid.n + TINY)

    def capture(self) -> State:
        return states.capture(self.trainer, self.place, n=self.grid.n, seed=self.seed, more={})

    def test(self) -> tuple[dict[str, Any], Heard]:
        """Metrics of the test dataset and the predictions behind them. Leaves the generators as they are, so that a trial does
        not depend on whether it was tested."""
        with states.kept_generators():
            found = self.trainer.predict(self.made.test_dataset, metric_key_prefix=TEST)
        return dict(found.metrics), heard(found)

    @contextmanager
    def _checkpoint(self) -> Iterator[str | None]:
        """A folder that Trainer takes for a checkpoint; what it does not read from there it is given by `_wrap`."""
        if self.state is None:
            yield None
            return
        step = self.start.epoch * self.grid.steps + self._steps_before
        last = math.ceil(self.trainer.args.num_train_epochs * self.grid.steps)
        epoch = self.examples(self.start) / self.grid.n
        with tempfile.TemporaryDirectory(prefix="tuneoff-") as folder:
            found = states.trainer_state(self.state, self.trainer, global_step=step, max_steps=last, epoch=epoch)
            found.save_to_json(str(Path(folder) / STATE_FILE))
            yield folder

    def _wrap(self) -> None:
        trainer = self.trainer
        self._theirs = {name: getattr(trainer, name) for name in (*WRAPPED, "compute_metrics")}
        trainer.get_train_dataloader = self._loader
        trainer.training_step = self._step
        trainer.evaluate = self._evaluate
        trainer._maybe_log_save_evaluate = self._log_save_evaluate
        trainer._save_checkpoint = self._save
        if trainer.compute_metrics is not None:
            trainer.compute_metrics = self._compute_metrics
        trainer.add_callback(_Clock(self))
        if self.state is not None:
            self._wrap_loading(self.state)

    def _wrap_loading(self, state: State) -> None:
        trainer = self.trainer
        trainer.args.eval_on_start = False
        trainer.args.restore_callback_states_from_checkpoint = True
        step = self.start.epoch * self.grid.steps + self._steps_before
        trainer._load_from_checkpoint = lambda *_: states.put_weights(state, trainer)
        trainer._load_optimizer_and_scheduler = lambda _: states.put_optimizer(state, trainer, step=step)
        trainer._load_scaler = lambda _: states.put_scaler(state, trainer)
        trainer._load_rng_state = lambda _: states.put_generators(*states.generators_of(state))

    def _loader(self) -> Any:
        loader = self._theirs["get_train_dataloader"]()
        self._order = remember(loader, self.start if self.state is not None else None, self.grid)
        return loader

    def _step(self, model: Any, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        mask = inputs.get("attention_mask") if isinstance(inputs, Mapping) else None
        if mask is not None:
            self._tokens = self._tokens + mask.sum()
        return self._theirs["training_step"](model, inputs, *arguments, **keywords)

    def tokens(self) -> int:
        """The real tokens trained on since the last call, where the inputs tell them."""
        count, self._tokens = int(self._tokens), torch.tensor(0)
        return count

    def _compute_metrics(self, prediction: Any, *arguments: Any, **keywords: Any) -> Any:
        self._said = heard(prediction)
        return self._theirs["compute_metrics"](prediction, *arguments, **keywords)

    def _evaluate(self, eval_dataset: Any = None, *arguments: Any, **keywords: Any) -> Any:
        """Their evaluate. A dictionary of datasets is evaluated by calls within a call, which are not timed again."""
        began, self._evaluating = time.perf_counter(), self._evaluating + 1
        try:
            metrics = self._theirs["evaluate"](eval_dataset, *arguments, **keywords)
        finally:
            self._evaluating -= 1
            if not self._evaluating:
                self.seconds.evaluate += time.perf_counter() - began
        prefix = keywords.get("metric_key_prefix", arguments[1] if len(arguments) > 1 else VALIDATION)
        if eval_dataset is None and prefix == VALIDATION:
            self._metrics, self._metrics_at = metrics, self.trainer.state.global_step
        return metrics

    def _save(self, *arguments: Any, **keywords: Any) -> Any:
        began = time.perf_counter()
        try:
            return self._theirs["_save_checkpoint"](*arguments, **keywords)
        finally:
            self.seconds.save += time.perf_counter() - began

    def _log_save_evaluate(self, *arguments: Any, **keywords: Any) -> None:
        if self._stopped:
            return
        self._metrics = None
        self._theirs["_maybe_log_save_evaluate"](*arguments, **keywords)
        if self._metrics is None:
            return
        if self.trainer.control.should_training_stop:  # train() ends first, so that all of its cost is known
            self._final = self._evaluated(final=True)
        elif self.passed(self.place) > self._told:
            go_on = self._pause(self._evaluated(final=False))
            if not go_on:
                self._stopped = self.trainer.control.should_training_stop = True

    def _evaluated(self, *, final: bool) -> Paused:
        assert self._metrics is not None
        said = Heard() if isinstance(self.trainer.eval_dataset, dict) else self._said
        return Paused(metrics=dict(self._metrics), said=said, final=final)

    def told(self) -> int:
        """The points of the clock passed since the last call."""
        before, self._told = self._told, self.passed(self.place)
        return self._told - before


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Asks for an evaluation where the Trainer's strategy has none: at points of the clock without a strategy, and at the end
    in any case. Ends a trial whose time is up."""

    def __init__(self, training: Training) -> None:
        self._training = training

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._training.seconds.begin = time.perf_counter() - self._training._began

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        training = self._training
        if args.eval_strategy == "no" and training.passed(training.place) > training._told:
            control.should_evaluate = True
        out_of_time = training.environment.out_of_time
        if not control.should_evaluate and out_of_time is not None and out_of_time():
            raise OutOfTime("out of time", Cost())

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        training = self._training
        if not training._stopped and state.global_step >= state.max_steps and training._metrics_at != state.global_step:
            control.should_evaluate = True
