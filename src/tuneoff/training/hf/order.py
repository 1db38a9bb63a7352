"""The order of an epoch's examples, and where in it a trial stands: counted in examples, whatever the batch size.

Trainer counts batches. A trial that goes on in the middle of an epoch under another batch size would see examples twice, or
never; so the order is remembered, and what is left of it is cut into the new batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, Sampler

from tuneoff.training.hf.make import MakeError

Order = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place in training. order: of this epoch's examples; None where the epoch is still to begin. position: examples of it
    that were seen."""

    epoch: int
    position: int
    order: Order | None


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The count of steps that Trainer makes of an epoch. batches: in an epoch. step: examples of a whole step."""

    n: int
    batch_size: int
    accumulation: int
    drop_last: bool

    @property
    def step(self) -> int:
        return self.batch_size * self.accumulation

    def batches(self, examples: int) -> int:
        return examples // self.batch_size if self.drop_last else math.ceil(examples / self.batch_size)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return max(1, math.ceil(self.batches(self.n) / self.accumulation))

    def nearest(self, place: Place) -> Place:
        """The place from which training can go on: this one, unless steps of several batches don't fit there, which go on
        from the last whole step; or the next epoch's beginning, where less than a batch is left."""
        position = place.position
        if self.accumulation > 1:
            position = position // self.step * self.step
        if position and (position >= self.n or self.batches(self.n - position) == 0):
            return Place(epoch=place.epoch + 1, position=0, order=None)
        return Place(epoch=place.epoch, position=position, order=place.order if position else None)

    def steps_before(self, position: int) -> int:
        """Steps of the epoch that Trainer must believe to be behind it, so that those to come are the epoch's last."""
        return self.steps - math.ceil(self.batches(self.n - position) / self.accumulation)


class RememberedOrder(Sampler[int]):
    """Draws as the sampler in it, and remembers what it drew. place: if in the middle of an epoch, the first pass goes on
    from there; `skipped` placeholders stand before it, of batches that Trainer passes over without reading them."""

    def __init__(self, sampler: Any, place: Place | None, skipped: int) -> None:
        self._sampler, self._place, self._skipped = sampler, place, skipped
        self.order: Order | None = place.order if place else None

    def __len__(self) -> int:
        return len(self._sampler)

    def set_epoch(self, epoch: int) -> None:
        if hasattr(self._sampler, "set_epoch"):
            self._sampler.set_epoch(epoch)

    def __iter__(self) -> Iterator[int]:
        place, self._place = self._place, None
        if place is not None and place.order is not None:
            yield from [0] * self._skipped
            yield from place.order[place.position :].tolist()
            return
        self.order = np.fromiter(self._sampler, dtype=np.int64)
        yield from self.order.tolist()


def grid_of(trainer: Any, loader: Any) -> Grid:
    """Raises MakeError where the Trainer's batches are not made of single examples in one order."""
    batches = loader.batch_sampler
    if type(batches) is not BatchSampler:
        raise MakeError(
            f"the Trainer's training batches come from a {type(batches).__name__}, in which a place can't be counted in "
            "examples: use a sampler (train_sampling_strategy random, sequential or group_by_length), one process and a "
            "train_dataset with a length"
        )
    return Grid(
        n=len(trainer.train_dataset),
        batch_size=batches.batch_size,
        accumulation=trainer.args.gradient_accumulation_steps,
        drop_last=batches.drop_last,
    )


def remember(loader: Any, place: Place | None, grid: Grid) -> RememberedOrder:
    """Puts a RememberedOrder into a loader, which goes on from `place`."""
    skipped = grid.steps_before(place.position) * grid.step if place and place.position else 0
    loader.batch_sampler.sampler = RememberedOrder(loader.batch_sampler.sampler, place, skipped)
    sampler: RememberedOrder = loader.batch_sampler.sampler
    return sampler
