"""Which of a trial's snapshots are kept: always the newest recorded one, however often a search is killed."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tuneoff.execution.snapshots import SnapshotWriter, copy_name, discard_damaged, save
from tuneoff.training.protocol import State

STATE = State(arrays={"w": np.zeros(1)}, numbers={}, examples_seen=1, epoch=1.0)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_two_newest_of_an_undisturbed_trial_are_kept(tmp_path):
    writer = SnapshotWriter(partial(save, tmp_path), "t001", 0)
    written = [writer.write(STATE) for _ in range(5)]
    assert files(tmp_path) == written[-2:]


def test_a_paused_trial_that_comes_back_in_another_worker_keeps_two_as_well(tmp_path):
    written = [SnapshotWriter(partial(save, tmp_path), "t001", 0).write(STATE) for _ in range(5)]
    assert files(tmp_path) == written[-2:]


def test_files_that_never_reached_the_log_do_not_push_out_the_newest_that_did(tmp_path):
    recorded = SnapshotWriter(partial(save, tmp_path), "t001", 0).write(STATE)
    for _ in range(3):  # killed after each: its file is written, its evaluation is not recorded
        writer = SnapshotWriter(partial(save, tmp_path), "t001", 0)
        writer.went_on_from(recorded)
        writer.write(STATE)
        assert recorded in files(tmp_path)
    last = [writer.write(STATE), writer.write(STATE)]
    assert files(tmp_path) == last, "once later ones are recorded, nothing is left of the killed sessions"


def test_the_files_of_other_trials_and_copies_are_left_alone(tmp_path):
    other, copied = SnapshotWriter(partial(save, tmp_path), "t010", 0).write(STATE), copy_name("t001", "t010-1.safetensors")
    (tmp_path / copied).touch()
    writer = SnapshotWriter(partial(save, tmp_path), "t001", 0)
    writer.went_on_from(copied)
    for _ in range(4):
        writer.write(STATE)
    assert {other, copied} < set(files(tmp_path))
    assert len(files(tmp_path)) == 4


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda _: b""])
def test_a_torn_or_changed_file_is_discarded_and_the_others_stay(tmp_path, damage):
    first, second = (save(tmp_path, name, STATE, ()) for name in ("t001", "t002"))
    (tmp_path / first).write_bytes(damage((tmp_path / first).read_bytes()))
    assert discard_damaged(tmp_path) == [first]
    assert files(tmp_path) == [first.replace("safetensors", "damaged"), second]
    assert discard_damaged(tmp_path / "none") == []


def test_a_file_that_cannot_be_read_for_now_is_left_alone(tmp_path):
    (tmp_path / "t001-1.safetensors").mkdir()
    with pytest.raises(OSError, match=r"directory|No such device"):
        discard_damaged(tmp_path)
    assert files(tmp_path) == ["t001-1.safetensors"]
