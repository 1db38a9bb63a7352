"""One step of training: forward pass, loss, backward pass, clipping, update."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn.utils import clip_grad_norm_

from tuneoff.model.network import Network
from tuneoff.training.batches import DeviceSplit, Slice
from tuneoff.training.graphs import Backend, CudaBackend, Graphs
from tuneoff.training.hparams import HParams
from tuneoff.training.losses import Loss
from tuneoff.training.optimiser import DeviceOptimiser, Optimiser

UNIT = 16
"""On a GPU batches are padded to a multiple of so many tokens: few shapes to capture, and what its products like."""


class Stepper:
    """Runs steps as written, without graphs, for one network and one trial after the other: `reset` before each."""

    def __init__(self, network: Network, split: DeviceSplit, loss: Loss, *, bf16: bool) -> None:
        self._network, self._split, self._loss_of, self._bf16 = network, split, loss, bf16
        self.optimiser = self._make_optimiser()
        self._loss = torch.zeros((), device=split.device)

    def _make_optimiser(self) -> Optimiser:
        return Optimiser(self._network.module)

    @property
    def mode(self) -> str:
        """How steps run, for the records."""
        return "eager"

    @property
    def rehearsals(self) -> int:
        """How often a batch must have run before its time is typical."""
        return 1

    def reset(self) -> None:
        """Moments, step count and loss as before the first step. Weights are the network's."""
        self.optimiser.reset()
        self._loss.zero_()

    def prepare(self, hparams: HParams) -> None:
        """Sets training mode and dropout rates; called before the first step and after every evaluation."""
        self._network.module.train()
        self._network.set_dropout(hparams.hidden_dropout, hparams.attention_dropout)
        self._network.set_adapter(hparams.adapter)

    def step(self, batch: Slice, hparams: HParams, lr: float, weight_decay: float) -> None:
        """`lr` is the scheduled one; it and `weight_decay` act in place of those of `hparams`."""
        self.optimiser.set(hparams, lr, weight_decay)
        self._work(batch.rows, batch.longest, hparams.max_grad_norm)

    def take_loss(self) -> float:
        """Sum of the steps' losses since the last call. Waits for the device."""
        loss = float(self._loss)
        self._loss.zero_()
        return loss

    def _work(self, rows: torch.Tensor, longest: int, max_grad_norm: float) -> None:
        """Leaves nothing but new contents in the parameters, the moments and the loss."""
        batch = self._split.gather(rows, longest)
        loss = self._loss_of(self._network.logits(batch, bf16=self._bf16), batch.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        if max_grad_norm > 0:
            clip_grad_norm_(self.optimiser.parameters, max_grad_norm, foreach=True)
        self.optimiser.step()
        self._loss += loss.detach()


class GraphStepper(Stepper):
    """A step is three numbers and the rows' indices written to the device, and the replay of a graph.

    One graph serves every learning rate, weight decay and step count; a batch size, a padded length or any other
    setting of the step needs its own. An epoch's last, smaller batch runs as written.
    """

    def __init__(self, network: Network, split: DeviceSplit, loss: Loss, *, bf16: bool, backend: Backend) -> None:
        super().__init__(network, split, loss, bf16=bf16)
        self.graphs = Graphs(backend, self.optimiser.clear_gradients)
        self._rows: dict[int, torch.Tensor] = {}
        self._widest = int(split.lengths.max())

    def _make_optimiser(self) -> Optimiser:
        return DeviceOptimiser(self._network.module)

    @property
    def mode(self) -> str:
        return "cuda graph" if self.graphs.reason is None else f"eager ({self.graphs.reason})"

    @property
    def rehearsals(self) -> int:
        """The second time is the capture."""
        return 1 if self.graphs.reason else 2

    def step(self, batch: Slice, hparams: HParams, lr: float, weight_decay: float) -> None:
        self.optimiser.set(hparams, lr, weight_decay)
        size = len(batch.rows)
        width = min(-(-batch.longest // UNIT) * UNIT, self._widest)
        if size != hparams.batch_size:
            self.graphs.run_as_written(partial(self._work, batch.rows, width, hparams.max_grad_norm))
            return
        if size not in self._rows:
            self._rows[size] = torch.empty_like(batch.rows)
        rows = self._rows[size].copy_(batch.rows)
        key = (
            size,
            width,
            hparams.hidden_dropout,
            hparams.attention_dropout,
            hparams.adapter,
            hparams.max_grad_norm,
            hparams.adam_beta1,
            hparams.adam_beta2,
            hparams.adam_epsilon,
        )
        self.graphs.run(key, partial(self._work, rows, width, hparams.max_grad_norm))


class Steppers:
    """The stepper in use, kept from one search to the next where they ask for the same: it holds moments and graphs.

    Whoever keeps a network keeps one of these beside it.
    """

    def __init__(self) -> None:
        self._held: tuple[tuple[object, ...], Stepper] | None = None

    def get(self, network: Network, split: DeviceSplit, loss: Loss, *, bf16: bool, cuda_graphs: bool) -> Stepper:
        key = (network, network.structure, split, loss, bf16, cuda_graphs)
        if self._held is None or self._held[0] != key:
            self._held = None  # two sets of moments at once may be too much for the device
            self._held = key, make_stepper(network, split, loss, bf16=bf16, cuda_graphs=cuda_graphs)
        return self._held[1]


def make_stepper(network: Network, split: DeviceSplit, loss: Loss, *, bf16: bool, cuda_graphs: bool) -> Stepper:
    """A GraphStepper on a GPU, which captures graphs where `cuda_graphs` is set; a Stepper elsewhere."""
    if split.device.type != "cuda":
        return Stepper(network, split, loss, bf16=bf16)
    stepper = GraphStepper(network, split, loss, bf16=bf16, backend=CudaBackend(split.device))
    if not cuda_graphs:
        stepper.graphs.give_up("training.cuda_graphs is off")
    return stepper
