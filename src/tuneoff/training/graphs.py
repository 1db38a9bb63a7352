"""Steps captured as CUDA graphs: which are kept, and what happens where one can't be.

A step is captured when its key comes up for the second time. The first time it runs as written, where captures take
place: that is the warm-up that torch asks for, and it is a step of training, so nothing has to be undone after it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, Protocol

import torch

from tuneoff.errors import first_line

LIMIT = 32
"""Graphs kept; the one not used for longest goes. A graph of BERT-base has some 2,000 kernels and may take tens of MB."""
AHEAD = 16
"""Steps after which the host waits until the device has done the ones before them: it is at most twice as many ahead."""

Work = Callable[[], None]


class Backend(Protocol):
    """The device on which steps run and are captured."""

    def run(self, work: Work) -> None:
        """Runs `work` now, as a capture would: warms up what it needs."""

    def capture(self, work: Work) -> Work:
        """Records `work` without running it; returns a function that replays it. After an exception the generator is as
        before."""

    def keep_pace(self) -> None:
        """Called after each step."""

    def settle(self) -> None:
        """Waits until no replay is under way."""

    def draws(self) -> torch.Tensor:
        """State of the generator that `work` draws from."""

    def rewind(self, draws: torch.Tensor) -> None: ...


class Graphs:
    """`clear` drops what a step that broke off leaves behind (gradients)."""

    def __init__(self, backend: Backend, clear: Work, limit: int = LIMIT) -> None:
        self._backend, self._clear, self._limit = backend, clear, limit
        self._known: OrderedDict[Hashable, Work | None] = OrderedDict()
        self.reason: str | None = None
        """Why steps are not captured, or no longer; None where they are."""

    def give_up(self, reason: str) -> None:
        self._backend.settle()
        self._known.clear()
        self.reason = reason

    def run(self, key: Hashable, work: Work) -> None:
        """Runs one step. Two steps of one key must be the same but for the contents of tensors at fixed addresses."""
        if self.reason is None and key in self._known:
            replay = self._known[key] or self._captured(key, work)
            if replay is not None:
                self._known.move_to_end(key)
                replay()
                self._backend.keep_pace()
                return
        if self.reason is None:
            self._remember(key, None)
        self.run_as_written(work)

    def run_as_written(self, work: Work) -> None:
        """Runs one step without a graph. Where it runs out of memory, graphs are dropped for good and it is tried again."""
        if self.reason is not None:
            work()
            self._backend.keep_pace()
            return
        draws = self._backend.draws()
        try:
            self._backend.run(work)
        except torch.OutOfMemoryError:  # before the update: that allocates nothing
            if not any(self._known.values()):
                raise
        else:
            self._backend.keep_pace()
            return
        # Not in the except block: there the traceback still holds the memory.
        self.give_up("the device has too little memory for graphs")
        self._clear()
        self._backend.rewind(draws)
        self.run_as_written(work)

    def _captured(self, key: Hashable, work: Work) -> Work | None:
        try:
            replay = self._backend.capture(work)
        except Exception as error:  # whatever can't be captured runs as written, and the record says why
            reason = f"capture failed: {root_message(error)}"
        else:
            self._remember(key, replay)
            return replay
        self.give_up(reason)
        self._clear()
        return None

    def _remember(self, key: Hashable, replay: Work | None) -> None:
        self._known[key] = replay
        if len(self._known) > self._limit:
            self._backend.settle()
            self._known.popitem(last=False)


class CudaBackend:
    """Captures on a stream of its own and from one pool of memory: graphs leave nothing in it that another could spoil.

    Steps that are not captured run on that stream too, so that its memory serves them all.
    """

    _broken: ClassVar[list[Any]] = []
    """Graphs whose capture failed, kept as long as the process: torch's allocator may still refer to them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()
        self._steps = 0
        self._mark: torch.cuda.Event | None = None

    def run(self, work: Work) -> None:
        outer = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(outer)
        try:
            with torch.cuda.stream(self._stream):
                work()
        finally:
            outer.wait_stream(self._stream)

    def capture(self, work: Work) -> Work:
        graph = torch.cuda.CUDAGraph()
        outer, draws = torch.cuda.current_stream(self._device), self.draws()
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                work()
        except BaseException:
            self._repair(graph, outer, draws)
            raise
        return graph.replay

    def _repair(self, graph: Any, outer: torch.cuda.Stream, draws: torch.Tensor) -> None:
        """Restores what torch leaves half-way where a capture fails: the current stream, and a generator that still captures
        and would refuse to draw. Graphs captured before go on with the old generator: they must not be replayed any more."""
        torch.cuda.set_stream(outer)
        self._broken.append(graph)
        index = torch.cuda.current_device() if self._device.index is None else self._device.index
        torch.cuda.default_generators[index].graphsafe_set_state(torch.Generator(self._device))
        self.rewind(draws)

    def keep_pace(self) -> None:
        """Waits for the device: otherwise the host could be a thousand steps ahead, and neither its clock nor a deadline
        would mean anything."""
        self._steps += 1
        if self._steps % AHEAD == 0:
            if self._mark is not None:
                self._mark.synchronize()
            self._mark = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._mark.record(torch.cuda.current_stream(self._device))

    def settle(self) -> None:
        torch.cuda.synchronize(self._device)

    def draws(self) -> torch.Tensor:
        return torch.cuda.get_rng_state(self._device)

    def rewind(self, draws: torch.Tensor) -> None:
        torch.cuda.set_rng_state(draws, self._device)


def root_message(error: BaseException) -> str:
    """Kind and first line of the first error in the chain: ending a broken capture raises another one."""
    while error.__context__ is not None:
        error = error.__context__
    return first_line(error)
