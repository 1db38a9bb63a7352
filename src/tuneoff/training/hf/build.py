"""A user's Trainer, made for one trial: their function called with its hyperparameters, TrainingArguments given the others."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from transformers import Trainer, TrainingArguments, set_seed
from transformers.trainer_callback import CallbackHandler, TrainerControl, TrainerState
from transformers.trainer_pt_utils import LabelSmoother

from tuneoff.errors import UserError, first_line
from tuneoff.hparams import NUM_EPOCHS
from tuneoff.training.hf.arguments import ALIASES, BATCH_SIZE
from tuneoff.training.hf.make import REQUEST, MakeError, Signature
from tuneoff.training.protocol import Values

if TYPE_CHECKING:
    from tuneoff.training.protocol import Request

SEED = "seed"
SWITCHED_OFF = {
    "load_best_model_at_end": "the search keeps the scores of every evaluation",
    "push_to_hub": "trials are not published",
    "auto_find_batch_size": "the batch size is the trial's",
    "enable_jit_checkpoint": "the search saves a trial's state itself",
}
"""Arguments that are off in a search, and why."""
READ_LATE = (
    *("learning_rate", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "optim", "optim_args"),
    *("lr_scheduler_type", "lr_scheduler_kwargs", "warmup_steps", "warmup_ratio", "num_train_epochs"),
    *("per_device_train_batch_size", "gradient_accumulation_steps", "label_smoothing_factor", "seed", "output_dir"),
    *("neftune_noise_alpha", *SWITCHED_OFF),
)
"""The arguments that can still be changed once a Trainer has been made of them, since it reads them when it trains, or
since `_reread` repeats what it made of them."""


@dataclass(frozen=True, kw_only=True)
class Maker:
    """make: the user's function, or their Trainer with a `model_init`. request: None where the function takes none."""

    make: Any
    name: str
    signature: Signature
    request: Request | None = None


@dataclass(frozen=True, kw_only=True)
class Made:
    """A Trainer that is ready to train. test_dataset: None where the function gave none. was_on: the arguments of SWITCHED_OFF
    that the script had set."""

    trainer: Any
    test_dataset: Any
    was_on: tuple[str, ...]


def make_trainer(maker: Maker, values: Values, *, seed: int, output: Callable[[str], str], **forced: Any) -> Made:
    """A Trainer for these hyperparameters (None: the script's own). Raises MakeError where that is not what was made.

    seed: of the process's generators before the function is called, and the argument `seed`, unless the hyperparameters
    have one. output: from the script's output folder to the trial's. forced: further arguments.
    """
    seed = seed if values.get(SEED) is None else int(values[SEED])  # type: ignore[arg-type]
    keywords, wanted = _split(maker.signature, {**values, SEED: seed})
    wanted |= forced
    set_seed(seed)
    if maker.request is not None:
        keywords[REQUEST] = maker.request
    with _arguments(wanted, output) as was_on:
        made = _call(maker, keywords)
    trainer, test_dataset = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    if not isinstance(trainer, Trainer):
        raise MakeError(
            f"engine.make is {maker.name!r}, but it returned {_kind(made)}: it must return a transformers.Trainer, or a "
            "pair of a Trainer and a test dataset"
        )
    if not maker.signature.function:
        trainer = _fresh(maker, trainer)
    was_on |= _late(maker, trainer, wanted, output)
    if test_dataset is None:
        test_dataset = getattr(trainer, "test_dataset", None)
    return Made(trainer=trainer, test_dataset=test_dataset, was_on=tuple(sorted(was_on)))


def in_force(trainer: Any, values: Values) -> dict[str, Any]:
    """The hyperparameters with the script's own values in the place of None, where TrainingArguments tells them."""
    found = {name: getattr(trainer.args, ALIASES.get(name, name), None) if v is None else v for name, v in values.items()}
    return {name: _plain(value) for name, value in found.items()}


def _plain(value: Any) -> Any:
    value = value.value if isinstance(value, Enum) else value
    return value if isinstance(value, int | float | str) else None


def _split(signature: Signature, values: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keywords of the function, and fields of TrainingArguments; both without those that are None."""
    keywords: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        alias = ALIASES.get(name, name)
        target = next((one for one in (name, alias) if one in signature.names), None)
        place, key = (keywords, target) if target else (fields, alias)
        if place.get(key, value) != value:
            raise MakeError(f"{name} and {alias} are both set, but they are the same: set {name} alone")
        place[key] = value
    missing = [k.name for k in signature.keywords if k.required and k.name not in keywords]
    if missing:
        raise MakeError(
            f"engine.make needs the keyword {missing[0]}, but neither the space nor the settings give it: give "
            f"+hparams.{missing[0]}=VALUE, or give it a default in your function"
        )
    return keywords, fields


def _call(maker: Maker, keywords: Mapping[str, Any]) -> Any:
    """Calls the function. Raises MakeError where it fails, with the place in the user's own code."""
    if not maker.signature.function:
        return maker.make
    try:
        return maker.make(**keywords)
    except UserError:
        raise
    except Exception as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code is not maker.make.__code__:
            trace = trace.tb_next
        where = f", line {trace.tb_lineno} of {trace.tb_frame.f_code.co_filename}" if trace is not None else ""
        raise MakeError(f"engine.make is {maker.name!r}, but it failed ({first_line(error)}{where})") from error


@contextmanager
def _arguments(wanted: Mapping[str, Any], output: Callable[[str], str]) -> Iterator[set[str]]:
    """While this lasts, every TrainingArguments is made with the wanted fields, whatever its maker gives. Yields the names of
    SWITCHED_OFF that were on."""
    original, was_on = TrainingArguments.__post_init__, set[str]()

    def post_init(self: Any) -> None:
        for name, value in wanted.items():
            setattr(self, name, _typed(self, name, value))
        original(self)
        was_on.update(name for name in SWITCHED_OFF if getattr(self, name, False))
        for name in was_on:
            setattr(self, name, False)
        self.output_dir = output(self.output_dir)

    TrainingArguments.__post_init__ = post_init
    try:
        yield was_on
    finally:
        TrainingArguments.__post_init__ = original


def _typed(arguments: Any, name: str, value: Any) -> Any:
    """0 and 1 as the truth values that they stand for; a whole number where the field is whole."""
    declared = {one.name: str(one.type) for one in dataclasses.fields(arguments)}.get(name, "")
    if "bool" in declared and value in (0, 1):
        return bool(value)
    return value


def _late(maker: Maker, trainer: Any, wanted: Mapping[str, Any], output: Callable[[str], str]) -> set[str]:
    """Changes arguments that were made before the function was called, as far as the Trainer still reads them."""
    arguments = trainer.args = copy.copy(trainer.args)
    ours = {"output_dir": output(arguments.output_dir)} if output(arguments.output_dir) != arguments.output_dir else {}
    was_on = {name for name in SWITCHED_OFF if getattr(arguments, name, False)}
    changes = {name: _typed(arguments, name, value) for name, value in wanted.items()}
    changes = {name: value for name, value in changes.items() if getattr(arguments, name) != value}
    if arguments.device.type == "cpu":
        changes.pop("use_cpu", None)
    for name in changes:
        if name not in READ_LATE:
            raise MakeError(
                f"engine.make is {maker.name!r}, but {name} can't reach the TrainingArguments that it uses, because they were "
                f"made before: make them in the function, or give it the keyword {name}"
            )
    for name, value in {**changes, **ours, **dict.fromkeys(was_on, False)}.items():
        setattr(arguments, name, value)
    if changes:
        _reread(trainer)
    return was_on


def _reread(trainer: Any) -> None:
    """Repeats what a Trainer makes of its arguments when it is made."""
    arguments = trainer.args
    trainer._train_batch_size = arguments.train_batch_size
    trainer.neftune_noise_alpha = arguments.neftune_noise_alpha
    smoothing = arguments.label_smoothing_factor
    trainer.label_smoother = LabelSmoother(epsilon=smoothing) if smoothing else None
    trainer.create_accelerator_and_postprocess()


def _fresh(maker: Maker, trainer: Any) -> Any:
    """A copy of a Trainer that trains nothing that another trial trained: `model_init` makes its model."""
    if trainer.model_init is None:
        raise MakeError(
            f"engine.make is {maker.name!r}, a Trainer without model_init, whose model can be trained only once: give it a "
            "model_init, or name a function that returns a Trainer"
        )
    fresh = copy.copy(trainer)
    fresh.args = copy.copy(trainer.args)
    handler = trainer.callback_handler
    callbacks = copy.deepcopy(handler.callbacks)
    fresh.callback_handler = CallbackHandler(callbacks, None, handler.processing_class, None, None)
    fresh.state, fresh.control = TrainerState(), TrainerControl()
    fresh.optimizer = fresh.lr_scheduler = None
    return fresh


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def checked(maker: Maker, made: Made, values: Values) -> Made:
    """Raises MakeError where the Trainer can't be driven by a search."""
    trainer, arguments = made.trainer, made.trainer.args
    name = f"engine.make is {maker.name!r}, but"
    if arguments.num_train_epochs != values[NUM_EPOCHS]:
        raise MakeError(
            f"{name} its Trainer has num_train_epochs={arguments.num_train_epochs:g} where {values[NUM_EPOCHS]} was asked for: "
            "budgets and searches count epochs, so pass the keyword on to TrainingArguments"
        )
    if arguments.max_steps > 0:
        raise MakeError(f"{name} it sets max_steps={arguments.max_steps}: leave it out, a trial's length is num_epochs")
    if trainer.train_dataset is None or not hasattr(trainer.train_dataset, "__len__"):
        raise MakeError(f"{name} its Trainer has no train_dataset of a known length, and progress is counted in its examples")
    if trainer.eval_dataset is None:
        raise MakeError(
            f"{name} its Trainer has no eval_dataset: give one, which the search selects by, apart from the test set"
        )
    if made.test_dataset is None:
        raise MakeError(
            f"{name} there is no test dataset: return a pair, (trainer, test_dataset), or set trainer.test_dataset; it must be "
            "labelled, and is used to score incumbents, never to select"
        )
    wanted = values.get(BATCH_SIZE)
    if wanted is not None and arguments.per_device_train_batch_size != wanted:
        raise MakeError(
            f"{name} its Trainer has per_device_train_batch_size={arguments.per_device_train_batch_size} where {wanted} was "
            "asked for: pass the keyword on to TrainingArguments"
        )
    return made
