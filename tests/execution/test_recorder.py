"""What the recorder makes of trials that end without their own word."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.exceptions import RayActorError

from tests.execution.local_actor import LocalActor
from tuneoff.execution import recorder as module
from tuneoff.execution.faults import SHARED_STATE_LOST
from tuneoff.execution.messages import TRIAL
from tuneoff.execution.recorder import Recorder
from tuneoff.execution.shared_state import Limits, SharedState
from tuneoff.records.history import Earlier
from tuneoff.records.store import LogWriter, read_log


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes one over a shared state, in a cell at tmp_path."""
    monkeypatch.setattr(module.ray, "get", lambda value, timeout=None: value)
    with LogWriter(tmp_path) as writer:

        def make(state: object) -> Recorder:
            made = Recorder(tmp_path, writer, state, Earlier(), lambda _: None, wanted=set, kept=None)
            made.proposed("t000", {"learning_rate": 1e-3})
            return made

        yield make


def dead(*_: object) -> object:
    raise RayActorError


ERRED = SimpleNamespace(config={TRIAL: "t000", "learning_rate": 1e-3}, get_error=lambda: RuntimeError("the actor died"))


def test_a_trial_whose_worker_died_once_too_often_has_failed(recorder, tmp_path: Path) -> None:
    made = recorder(LocalActor(SharedState(Limits())))
    made.on_trial_error(1, [], ERRED)
    assert made.lost == ""
    (end,) = [record for record in read_log(tmp_path / "trials.jsonl")[0] if record.kind == "trial_end"]
    assert (end.status, end.reason) == ("failed", "the worker died: the actor died")


def test_a_trial_that_died_with_the_shared_state_goes_on_with_the_next_command(recorder, tmp_path: Path) -> None:
    """Its worker asked for something between two evaluations: in its first preparation, or for a state to copy."""
    made = recorder(SimpleNamespace(seconds_left=SimpleNamespace(remote=dead)))
    made.on_trial_error(1, [], ERRED)
    assert made.lost == SHARED_STATE_LOST
    assert made.outcome() == ("interrupted", SHARED_STATE_LOST)
    assert [record.kind for record in read_log(tmp_path / "trials.jsonl")[0]] == ["trial_start"], "no trial is blamed"
