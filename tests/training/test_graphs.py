"""Which steps are captured and kept, and what happens where one can't be: with a stand-in for CUDA."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import pytest
import torch

from tuneoff.training.graphs import CudaBackend, Graphs, root_message

Work = Callable[[], None]


class FakeBackend:
    """A replay runs the recorded work again. `events` says what was asked for."""

    def __init__(self, *, fails: Exception | None = None) -> None:
        self.events: list[str] = []
        self.fails = fails

    def run(self, work: Work) -> None:
        self.events.append("run")
        work()

    def capture(self, work: Work) -> Work:
        self.events.append("capture")
        if self.fails is not None:
            raise self.fails

        def replay() -> None:
            self.events.append("replay")
            work()

        return replay

    def keep_pace(self) -> None: ...

    def settle(self) -> None:
        self.events.append("settle")

    def draws(self) -> torch.Tensor:
        return torch.get_rng_state()

    def rewind(self, draws: torch.Tensor) -> None:
        torch.set_rng_state(draws)


class Counter:
    def __init__(self) -> None:
        self.steps = self.cleared = 0

    def work(self) -> None:
        self.steps += 1

    def clear(self) -> None:
        self.cleared += 1


@pytest.fixture
def counter() -> Counter:
    return Counter()


def test_the_first_step_of_a_key_runs_the_second_is_captured_and_each_is_one_step(counter):
    backend = FakeBackend()
    graphs = Graphs(backend, counter.clear)
    for _ in range(4):
        graphs.run("a", counter.work)
    assert backend.events == ["run", "capture", "replay", "replay", "replay"]
    assert counter.steps == 4
    assert graphs.reason is None


def test_each_key_has_its_own_graph(counter):
    backend = FakeBackend()
    graphs = Graphs(backend, counter.clear)
    for key in "abab":
        graphs.run(key, counter.work)
    assert backend.events == ["run", "run", "capture", "replay", "capture", "replay"]


def test_the_graph_not_used_for_longest_goes_once_no_replay_is_under_way(counter):
    backend = FakeBackend()
    graphs = Graphs(backend, counter.clear, limit=2)
    for key in "aabbaac":
        graphs.run(key, counter.work)
    backend.events.clear()
    graphs.run("a", counter.work)
    assert backend.events == ["replay"], "a was used after b"
    graphs.run("b", counter.work)
    assert backend.events == ["replay", "settle", "run"], "b had gone, and c goes for it"
    assert counter.steps == 9


def test_a_step_that_cannot_be_captured_runs_as_written_and_the_reason_is_kept(counter):
    backend = FakeBackend(fails=RuntimeError("operation not permitted when stream is capturing\nmore"))
    graphs = Graphs(backend, counter.clear)
    for _ in range(4):
        graphs.run("a", counter.work)
    assert counter.steps == 4
    assert counter.cleared == 1
    assert backend.events.count("capture") == 1, "not tried again"
    assert graphs.reason == "capture failed: RuntimeError: operation not permitted when stream is capturing"


def test_the_reason_is_the_first_error_not_what_ending_the_capture_raised():
    error = RuntimeError("capture_end")
    error.__context__ = ValueError("the cause\nand more")
    assert root_message(error) == "ValueError: the cause"


def test_where_graphs_hold_the_memory_a_step_is_taken_again_without_them_with_the_same_draws(counter):
    backend = FakeBackend()
    graphs = Graphs(backend, counter.clear)
    graphs.run("a", counter.work)
    graphs.run("a", counter.work)
    drawn: list[float] = []

    def large() -> None:
        drawn.append(float(torch.rand(())))
        if len(drawn) == 1:
            raise torch.OutOfMemoryError

    graphs.run("b", large)
    assert len(drawn) == 2
    assert drawn[0] == drawn[1]
    assert counter.cleared == 1
    assert graphs.reason == "the device has too little memory for graphs"


def test_where_no_graph_holds_memory_a_step_that_does_not_fit_is_the_trials_own_failure(counter):
    graphs = Graphs(FakeBackend(), counter.clear)

    def large() -> None:
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        graphs.run("b", large)
    assert graphs.reason is None, "the next, smaller trial may have graphs"


def test_given_up_from_the_start_nothing_is_captured(counter):
    backend = FakeBackend()
    graphs = Graphs(backend, counter.clear)
    graphs.give_up("training.cuda_graphs is off")
    for _ in range(3):
        graphs.run("a", counter.work)
    assert counter.steps == 3
    assert backend.events == ["settle"]


class FakeCuda:
    """The parts of torch.cuda that a capture touches. A capture that fails leaves its stream current, as torch's does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, ends: bool) -> None:
        self.calls: list[str] = []
        self.ends = ends
        self.current: object = "outer"
        self.offset = torch.tensor([5])
        self.default_generators = (self,)
        for name in ("current_stream", "graph_pool_handle", "get_rng_state", "synchronize", "default_generators"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))
        monkeypatch.setattr(torch.cuda, "set_stream", self.set_stream)
        monkeypatch.setattr(torch.cuda, "set_rng_state", self.set_rng_state)
        monkeypatch.setattr(torch.cuda, "Stream", lambda device: "side")
        monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: self)
        monkeypatch.setattr(torch.cuda, "graph", self.graph)
        monkeypatch.setattr(torch, "Generator", lambda device: "a new generator")

    def current_stream(self, device: torch.device) -> object:
        return self.current

    def set_stream(self, stream: object) -> None:
        self.current = stream

    def graph_pool_handle(self) -> int:
        return 1

    def get_rng_state(self, device: torch.device) -> torch.Tensor:
        return self.offset.clone()

    def set_rng_state(self, state: torch.Tensor, device: torch.device) -> None:
        self.offset = state

    def graphsafe_set_state(self, generator: object) -> None:
        self.calls.append(f"generator replaced by {generator}")
        self.offset = torch.tensor([0])

    def synchronize(self, device: torch.device) -> None: ...

    def replay(self) -> None:
        self.calls.append("replay")

    @contextmanager
    def graph(self, graph: object, *, pool: int, stream: object):
        assert (graph, pool, stream) == (self, 1, "side")
        self.current = stream
        try:
            yield
        finally:
            if not self.ends:
                raise RuntimeError("ending the capture failed")
            self.current = "outer"


def test_a_capture_on_the_own_stream_and_pool_gives_a_replay(monkeypatch):
    cuda = FakeCuda(monkeypatch, ends=True)
    replay = CudaBackend(torch.device("cuda", 0)).capture(lambda: cuda.calls.append("captured"))
    replay()
    assert cuda.calls == ["captured", "replay"]
    assert cuda.current == "outer"


@pytest.mark.parametrize("ends", [True, False])
def test_after_a_failed_capture_stream_and_generator_are_as_before(monkeypatch, ends):
    cuda = FakeCuda(monkeypatch, ends=ends)
    monkeypatch.setattr(CudaBackend, "_broken", [])

    def work() -> None:
        raise ValueError("a wait for the device")

    with pytest.raises((ValueError, RuntimeError)) as caught:
        CudaBackend(torch.device("cuda", 0)).capture(work)
    assert root_message(caught.value) == "ValueError: a wait for the device"
    assert cuda.current == "outer"
    assert cuda.calls == ["generator replaced by a new generator"]
    assert cuda.offset.tolist() == [5]
    assert CudaBackend._broken == [cuda]
