"""What an offline run of W&B holds, by W&B's own messages; `wandb sync` uploads just these files."""

from __future__ import annotations

import json
import shutil
import struct
import time

import pytest

from tuneoff.commands.track import main
from tuneoff.trackers.contracts import Evaluated
from tuneoff.trackers.events import events

pytest.importorskip("wandb", reason="wandb is not installed (the extra wandb)")
messages = pytest.importorskip("wandb.proto.wandb_internal_pb2", reason="this wandb has no such messages")

BLOCK, FILE_HEADER, HEADER = 32768, 7, 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def study(study):
    """One search: a tool takes its time for each run."""
    shutil.rmtree(study / "entail-micro" / "random_asha")
    return study


def records(path):
    """The messages of a .wandb file: LevelDB's log format (blocks of 32 KiB; a header is CRC, length, type)."""
    data, at, parts = path.read_bytes(), FILE_HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        parts += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (FULL, LAST):
            yield messages.Record.FromString(parts)
            parts = b""


def complete(path):
    """The messages of a file, once the run's own is in it: W&B's service may write it a moment after the run was finished."""
    until = time.monotonic() + 30
    every = list(records(path))
    while not any(r.WhichOneof("record_type") == "run" for r in every) and time.monotonic() < until:
        time.sleep(0.2)
        every = list(records(path))
    return every


def read(folder):
    """Runs by group and name: the run's message and its rows of history."""
    found = {}
    for path in folder.glob("offline-run-*/*.wandb"):
        every = complete(path)
        run = next(r.run for r in every if r.WhichOneof("record_type") == "run")
        rows = [
            {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in r.history.item}
            for r in every
            if r.WhichOneof("record_type") == "history"
        ]
        found[run.run_group, run.display_name] = run, rows
    return found


def test_offline_runs_hold_the_study_and_no_key(study, cells, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    assert main([str(study), "--to", "wandb", "--set", "wandb.mode=offline", "--no-figures"]) == 0
    tracked = study.parent / "tracked"
    runs = read(tracked / "wandb")
    for cell in cells.values():
        group = f"entail-micro/{cell.header.algorithm}/repeat-0"
        assert (group, group) in runs
        for end in cell.trial_ends:
            run, rows = runs[group, end.trial_id]
            points = [e for e in events(cell) if isinstance(e, Evaluated) and e.trial.name == end.trial_id]
            if not points:  # the budget was spent before its first evaluation
                continue
            assert run.project == study.name
            assert [(row["examples"], row["validation/accuracy"]) for row in rows] == [
                (e.examples, e.values["validation/accuracy"]) for e in points
            ]
            config = {item.key: json.loads(item.value_json) for item in run.config.update}
            assert config["learning_rate"] == points[0].trial.hparams["learning_rate"]
    assert ("report", "report") in runs
    for file in study.parent.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_without_a_key_runs_are_kept_offline(tmp_path, monkeypatch):
    from tuneoff.trackers.tools.wandb import WandbSettings, _mode

    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    assert _mode(WandbSettings()) == "offline"
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    assert _mode(WandbSettings()) == "online"
    assert _mode(WandbSettings(mode="offline")) == "offline"
