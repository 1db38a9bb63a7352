"""A run's own random number generators, apart from the process's."""

from __future__ import annotations

import torch


def seeded(seed: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Generator states made from `seed`, by "cpu" and, on a GPU, "cuda"."""
    states = {"cpu": torch.Generator().manual_seed(seed).get_state()}
    if device.type == "cuda":
        states["cuda"] = torch.Generator(device).manual_seed(seed).get_state()
    return states


class own_generators:
    """Runs a block with a run's own generator states and keeps their new states; the process's own are restored.

    Holds for replayed CUDA graphs too: a replay reads seed and offset from the generator, and moves the offset on by what the
    graph draws.
    """

    def __init__(self, states: dict[str, torch.Tensor], device: torch.device) -> None:
        self._states, self._cuda = states, device if device.type == "cuda" else None

    def __enter__(self) -> None:
        self._outer = torch.get_rng_state()
        torch.set_rng_state(self._states["cpu"])
        if self._cuda is not None:
            self._outer_cuda = torch.cuda.get_rng_state(self._cuda)
            torch.cuda.set_rng_state(self._states["cuda"], self._cuda)

    def __exit__(self, *_: object) -> None:
        self._states["cpu"] = torch.get_rng_state()
        torch.set_rng_state(self._outer)
        if self._cuda is not None:
            self._states["cuda"] = torch.cuda.get_rng_state(self._cuda)
            torch.cuda.set_rng_state(self._outer_cuda, self._cuda)
