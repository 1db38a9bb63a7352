"""States and weights of a worker on another machine come to the same files."""

from __future__ import annotations

import numpy as np
import pytest

from tests.execution.local_actor import LocalActor
from tuneoff.execution import files as module
from tuneoff.execution.files import FarFiles, FileServer, LocalFiles
from tuneoff.execution.snapshots import SnapshotWriter, copy_name
from tuneoff.training.protocol import State
from tuneoff.training.state_file import SnapshotError


def state(value: float) -> State:
    return State(arrays={"network/w": np.array([value])}, numbers={"step": 3}, examples_seen=7, epoch=0.5)


@pytest.fixture(params=["here", "far"])
def files(request, tmp_path, monkeypatch):
    monkeypatch.setattr(module.ray, "get", lambda value: value)
    local = LocalFiles(snapshots=tmp_path / "state", kept=tmp_path / "kept")
    return local if request.param == "here" else FarFiles(actor=LocalActor(FileServer()), files=local)


def test_a_state_comes_back_whole_and_by_the_name_of_its_file(files, tmp_path):
    name = SnapshotWriter(files.save, "t001", 0).write(state(2.0))
    file, found = files.load("t001", name)
    assert file == name
    assert (found.arrays["network/w"], found.numbers, found.examples_seen, found.epoch) == ([2.0], {"step": 3}, 7, 0.5)
    (tmp_path / "state" / name).rename(tmp_path / "state" / copy_name("t002", name))
    assert files.load("t002", name)[0] == copy_name("t002", name), "a copy has a name of its own"


def test_two_snapshots_of_a_trial_are_kept(files, tmp_path):
    writer = SnapshotWriter(files.save, "t001", 0)
    written = [writer.write(state(i)) for i in range(4)]
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == written[-2:]


def test_best_weights_lie_where_the_recorder_looks_for_them(files, tmp_path):
    name = files.keep("t001", state(5.0))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [name]


def test_a_torn_snapshot_is_said(files, tmp_path):
    name = SnapshotWriter(files.save, "t001", 0).write(state(2.0))
    path = tmp_path / "state" / name
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(SnapshotError, match=r"t001.*is not a snapshot"):
        files.load("t001", name)
