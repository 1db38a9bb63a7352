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

        def make(state: object, **more: object) -> Recorder:
            made = Recorder(tmp_path, writer, state, Earlier(), lambda _: None, wanted=set, kept=None, **more)
            made.proposed("t000", {"learning_rate": 1e-3})
            return made

        yield make


def dead(*_: object) -> object:
    raise RayActorError


@pytest.fixture
def erred(tmp_path: Path) -> SimpleNamespace:
    """A trial of Ray Tune's whose second failure was its last."""
    (tmp_path / "error.txt").write_text(
        "Failure # 1 (occurred at 2026-11-28_13-15-57)\nValueError: once\nFailure # 2 (occurred at 2026-11-28_13-16-12)\n"
        "Traceback: in step\nray.exceptions.ActorUnavailableError: The actor 518b is unavailable\n\n"
    )
    return SimpleNamespace(config={TRIAL: "t000", "learning_rate": 1e-3}, error_file=str(tmp_path / "error.txt"))


GONE = "its process is gone: killed from outside, or out of memory"


def test_a_trial_whose_worker_died_once_too_often_has_failed(recorder, erred, tmp_path: Path) -> None:
    made = recorder(LocalActor(SharedState(Limits())))
    made.on_trial_error(1, [], erred)
    assert made.lost == ""
    (end,) = [record for record in read_log(tmp_path / "trials.jsonl")[0] if record.kind == "trial_end"]
    assert (end.status, end.reason) == ("failed", f"the worker died: {GONE}")
    assert (tmp_path / "errors" / "t000.txt").read_text().startswith("Traceback: in step\nray.exceptions.ActorUnavailable")


def test_a_trial_that_goes_on_elsewhere_is_said(recorder, erred) -> None:
    notes: list[str] = []
    made = recorder(LocalActor(SharedState(Limits())), note=notes.append)
    made.on_trial_recover(1, [], erred)
    assert notes == [f"note: t000 goes on from its last evaluation, since its worker died ({GONE})"]


@pytest.mark.parametrize("file", [None, "/nowhere/error.txt"])
def test_a_failure_of_which_nothing_is_written_is_a_failure(recorder, erred, file: str | None) -> None:
    notes: list[str] = []
    made = recorder(LocalActor(SharedState(Limits())), note=notes.append)
    made.on_trial_recover(1, [], SimpleNamespace(config=erred.config, error_file=file))
    assert "(no message)" in notes[0]


def test_a_trial_that_died_with_the_shared_state_goes_on_with_the_next_command(recorder, erred, tmp_path: Path) -> None:
    """Its worker asked for something between two evaluations: in its first preparation, or for a state to copy."""
    made = recorder(SimpleNamespace(seconds_left=SimpleNamespace(remote=dead)))
    made.on_trial_error(1, [], erred)
    assert made.lost == SHARED_STATE_LOST
    assert made.outcome() == ("interrupted", SHARED_STATE_LOST)
    assert [record.kind for record in read_log(tmp_path / "trials.jsonl")[0]] == ["trial_start"], "no trial is blamed"
