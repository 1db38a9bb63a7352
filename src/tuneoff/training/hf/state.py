"""All that a trial needs to go on, as arrays and plain numbers: taken from a Trainer, and put into another one.

Weights, the optimiser's moments, random generators and progress are the state's. Learning rate, weight decay, batch size and
all else that the new Trainer was made with are its own: so a mutated value acts at the next step.
"""

from __future__ import annotations

import dataclasses
import json
import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.lr_scheduler import LambdaLR
from transformers.trainer_callback import ExportableState, TrainerState

from tuneoff.training.hf.order import Place
from tuneoff.training.protocol import State

WEIGHTS, MOMENTS, GENERATORS, ORDER = "weights", "moments", "generators", "order"
BFLOAT16 = "bfloat16"


class UnfitState(RuntimeError):
    """A state that a Trainer can't go on from, since it trains other parameters."""


def capture(trainer: Any, place: Place, *, n: int, seed: int, more: Mapping[str, Any]) -> State:
    """The state of a Trainer that pauses after an evaluation. more: numbers of the caller's."""
    arrays: dict[str, NDArray[Any]] = {}
    optimizer = trainer.optimizer.state_dict()["state"]
    moments, plain = _moments(optimizer)
    tensors = {f"{WEIGHTS}/{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    tensors |= {f"{MOMENTS}/{name}": tensor for name, tensor in moments.items()}
    halves = [name for name, tensor in tensors.items() if tensor.dtype == torch.bfloat16]
    arrays |= {name: _array(tensor) for name, tensor in tensors.items()}
    generators, generator_numbers = _generators()
    arrays |= {f"{GENERATORS}/{name}": array for name, array in generators.items()}
    if place.order is not None:
        arrays[ORDER] = place.order
    scheduler = _jsonable(trainer.lr_scheduler.state_dict())
    numbers = {
        **more,
        "seed": seed,
        "place": [place.epoch, place.position],
        "trainer": _trainer_state(trainer),
        "moments": plain,
        "scheduler": scheduler,
        "scaler": _jsonable(_scaler(trainer).state_dict()) if _scaler(trainer) is not None else None,
        "generators": generator_numbers,
        BFLOAT16: halves,
    }
    seen = place.epoch * n + place.position
    return State(arrays=arrays, numbers=numbers, examples_seen=seen, epoch=seen / n)


def place_of(state: State) -> Place:
    epoch, position = state.numbers["place"]
    return Place(epoch=epoch, position=position, order=state.arrays.get(ORDER))


def trainer_state(state: State, trainer: Any, *, global_step: int, max_steps: int, epoch: float) -> Any:
    """The TrainerState with which another Trainer goes on: the log and best metric so far, steps as it counts them."""
    found = TrainerState(**{**state.numbers["trainer"], "global_step": global_step, "epoch": epoch})
    found.best_model_checkpoint = None
    found.train_batch_size = trainer._train_batch_size
    found.compute_steps(trainer.args, max_steps)
    return found


def put_weights(state: State, trainer: Any) -> None:
    tensors = _tensors(state, WEIGHTS)
    try:
        trainer.model.load_state_dict(tensors)
    except RuntimeError as error:
        raise UnfitState(f"the weights to go on from are another model's: {error}") from error


def put_optimizer(state: State, trainer: Any, *, step: int) -> None:
    """Moments are the state's; learning rates, weight decays and the schedule are the Trainer's own, at `step`."""
    optimizer, scheduler = trainer.optimizer, trainer.lr_scheduler
    own = optimizer.state_dict()
    moments: dict[int, dict[str, Any]] = {}
    for key, value in {**_tensors(state, MOMENTS), **state.numbers["moments"]}.items():
        number, _, name = key.partition("/")
        # the optimiser changes tensors in place
        moments.setdefault(int(number), {})[name] = value.clone() if isinstance(value, torch.Tensor) else value
    if any(number >= sum(len(group["params"]) for group in own["param_groups"]) for number in moments):
        raise UnfitState("the optimiser's state to go on from is of more parameters than this trial trains")
    optimizer.load_state_dict({"state": moments, "param_groups": own["param_groups"]})
    _put_scheduler(state.numbers["scheduler"], scheduler, optimizer, step)


def put_scaler(state: State, trainer: Any) -> None:
    scaler = _scaler(trainer)
    if scaler is not None and state.numbers["scaler"]:
        scaler.load_state_dict(state.numbers["scaler"])


def _put_scheduler(saved: Mapping[str, Any], scheduler: Any, optimizer: Any, step: int) -> None:
    """A LambdaLR, as all of transformers' own but one are, is a function of the step. Any other one goes on from its saved
    state, scaled by the ratio of the base rates."""
    base = list(getattr(scheduler, "base_lrs", []))
    if isinstance(scheduler, LambdaLR):
        scheduler.last_epoch, scheduler._step_count = step, step + 1
        rates = [rate * factor(step) for rate, factor in zip(base, scheduler.lr_lambdas, strict=True)]
    else:
        scheduler.load_state_dict({**saved, **({"base_lrs": base} if base else {})})
        before, last = saved.get("base_lrs") or base, saved.get("_last_lr") or base
        rates = [rate * new / old if old else rate for rate, new, old in zip(last, base, before, strict=True)]
    for group, rate in zip(optimizer.param_groups, rates, strict=False):
        group["lr"] = rate
    scheduler._last_lr = rates


def _trainer_state(trainer: Any) -> dict[str, Any]:
    """As Trainer writes it beside a checkpoint, the callbacks' own states included."""
    state = dataclasses.replace(trainer.state, stateful_callbacks={})
    for callback in (*trainer.callback_handler.callbacks, trainer.control):
        if isinstance(callback, ExportableState):
            state.stateful_callbacks.setdefault(type(callback).__name__, []).append(callback.state())
    found: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(state), default=float))
    return found


def _moments(states: Mapping[int, Mapping[str, Any]]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and plain numbers by "<parameter's number>/<name>"."""
    flat = {f"{number}/{name}": value for number, values in states.items() for name, value in values.items()}
    tensors = {key: value for key, value in flat.items() if isinstance(value, torch.Tensor)}
    return tensors, _jsonable({key: value for key, value in flat.items() if key not in tensors})


def _jsonable(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that JSON holds; functions, which a new scheduler has of its own, are left out."""
    kept = {}
    for key, value in values.items():
        try:
            kept[key] = json.loads(json.dumps(value))
        except TypeError:
            continue
    return kept


def _scaler(trainer: Any) -> Any:
    return getattr(trainer.accelerator, "scaler", None)


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy on the CPU; bfloat16, which numpy lacks, as the int16 of the same bits."""
    copied = tensor.detach().to("cpu", copy=True).contiguous()
    array: NDArray[Any] = (copied.view(torch.int16) if copied.dtype == torch.bfloat16 else copied).numpy()
    return array


def _tensors(state: State, group: str) -> dict[str, torch.Tensor]:
    halves, found = set(state.numbers[BFLOAT16]), {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        for name, array in state.arrays.items():
            if name.startswith(f"{group}/"):
                tensor = torch.from_numpy(array)
                found[name.partition("/")[2]] = tensor.view(torch.bfloat16) if name in halves else tensor
    return found


def _generators() -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """States of Python's, numpy's and torch's generators, which Trainer draws from."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002 - Trainer seeds and uses it
    arrays = {
        "python": np.array(words, dtype=np.uint64),
        "numpy": np.asarray(keys),
        "torch": torch.get_rng_state().numpy().copy(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        arrays["cuda"] = torch.cuda.get_rng_state().numpy().copy()
    numbers = {"python": [version, gauss], "numpy": [kind, int(position), int(has_gauss), float(cached)]}
    return arrays, numbers


def put_generators(arrays: Mapping[str, NDArray[Any]], numbers: Mapping[str, Any]) -> None:
    version, gauss = numbers["python"]
    random.setstate((version, tuple(int(word) for word in arrays["python"]), gauss))
    kind, position, has_gauss, cached = numbers["numpy"]
    np.random.set_state((kind, arrays["numpy"], position, has_gauss, cached))  # noqa: NPY002 - Trainer's
    torch.set_rng_state(torch.from_numpy(np.array(arrays["torch"])))
    if "cuda" in arrays and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.from_numpy(np.array(arrays["cuda"])))


def generators_of(state: State) -> tuple[dict[str, NDArray[Any]], Mapping[str, Any]]:
    found = {name.partition("/")[2]: a for name, a in state.arrays.items() if name.startswith(f"{GENERATORS}/")}
    return found, state.numbers["generators"]


class kept_generators:
    """Puts the generators back, after a block, to where they were."""

    def __enter__(self) -> None:
        self._saved = _generators()

    def __exit__(self, *_: object) -> None:
        put_generators(*self._saved)
