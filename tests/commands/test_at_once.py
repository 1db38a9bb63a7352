"""Several searches of a sweep at the same time."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest

from tests.test_config import config
from tuneoff.commands import at_once as module
from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.at_once import cells_of, environments, must_be_a_sweeps, must_fit, run_at_once
from tuneoff.errors import ConfigError

SWEEP = ("-m", "algorithm=default,random", "repeat=range(0,2)", "study=my study", "at_once=2", "resources.slots=1")
PROGRAM = """
import json, os, sys, time
folder, seconds, arguments = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
began = time.time()
time.sleep(seconds)
name = str(time.time_ns())
json.dump([arguments, began, time.time(), os.environ.get("CUDA_VISIBLE_DEVICES")], open(folder + "/" + name, "w"))
if "algorithm=random" in arguments and "repeat=1" in arguments:
    sys.exit("note: something\\nerror: task.files is 'x', but there is no such folder")
"""


class Started:
    """Stands for searches: each sleeps, notes what it was given, and may fail."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds

    def __call__(self, arguments: Sequence[str], environment: Mapping[str, str], said: IO[bytes]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM, str(self.folder), str(self.seconds), *arguments]
        return subprocess.Popen(command, stderr=said, env=dict(environment))

    def notes(self) -> list[tuple[list[str], float, float, str | None]]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.iterdir())]


def test_a_cell_is_the_command_that_would_make_it_alone() -> None:
    cells = cells_of(read_command_line(SWEEP))
    assert [name for name, _ in cells] == [
        "algorithm=default repeat=0",
        "algorithm=default repeat=1",
        "algorithm=random repeat=0",
        "algorithm=random repeat=1",
    ]
    alone = read_command_line(cells[3][1])
    expected = read_command_line(["algorithm=random", "repeat=1", "study=my study", "resources.slots=1"])
    assert (alone.sweep, alone.cells, sorted(alone.for_hydra)) == (False, 1, sorted(expected.for_hydra))


def test_all_run_two_at_a_time_and_the_overview_says_what_is_done_and_left(tmp_path: Path, capsys) -> None:
    started = Started(tmp_path, 0.6)
    assert run_at_once(read_command_line(SWEEP), [{}, {}], started) == 1
    notes = started.notes()
    assert len(notes) == 4
    assert max(sum(other <= began < end for _, other, end, _ in notes) for _, began, _, _ in notes) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert len(lines) == 4
    assert "1 of 4 done, about" in lines[0]
    assert lines[3].endswith("[3 of 4 done, 1 failed]")
    assert sum(line.startswith("failed after") and "algorithm=random repeat=1" in line for line in lines) == 1
    assert said.err.splitlines() == [
        "1 of 4 cells failed:",
        "  algorithm=random repeat=1: task.files is 'x', but there is no such folder",
    ]


def test_never_more_than_there_are_places(tmp_path: Path) -> None:
    started = Started(tmp_path, 0.1)
    run_at_once(read_command_line(SWEEP), [{}], started)
    notes = sorted(started.notes(), key=lambda note: note[1])
    assert all(first[2] <= second[1] for first, second in itertools.pairwise(notes))


def test_each_place_has_gpus_of_its_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-7f,5")
    assert environments(3, 3) == [{"CUDA_VISIBLE_DEVICES": name} for name in ("2", "GPU-7f", "5")]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert environments(2, 0) == [{}, {}]
    assert environments(2, 5) == [{"CUDA_VISIBLE_DEVICES": "0,1"}, {"CUDA_VISIBLE_DEVICES": "2,3"}]
    started = Started(tmp_path, 0.3)
    run_at_once(read_command_line(SWEEP), environments(2, 2), started)
    assert sorted(note[3] for note in started.notes())[:1] == ["0"]
    assert {note[3] for note in started.notes()} == {"0", "1"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError])
def test_an_interrupt_or_a_fault_of_our_own_leaves_no_search_running(tmp_path: Path, monkeypatch, error) -> None:
    children = []

    def start(*given) -> subprocess.Popen[bytes]:
        children.append(Started(tmp_path, 30.0)(*given))
        return children[-1]

    def fail(_: float) -> None:
        raise error

    monkeypatch.setattr(module.time, "sleep", fail)
    with pytest.raises(error):
        run_at_once(read_command_line(SWEEP), [{}, {}], start)
    assert [child.returncode for child in children] == [-signal.SIGTERM] * 2, "and no others were begun"


def test_added_settings_are_swept_too() -> None:
    cells = cells_of(read_command_line(["-m", "+space.lora_rank.values=[4],[8]", "algorithm=pbt", "at_once=2"]))
    assert [arguments[-1] for _, arguments in cells] == ["+space.lora_rank.values=[4]", "+space.lora_rank.values=[8]"]


def test_in_a_search_by_itself_it_is_refused() -> None:
    with pytest.raises(ConfigError, match="at_once is 2, but it is for a sweep"):
        must_be_a_sweeps(config("at_once=2"))
    must_be_a_sweeps(config())


@pytest.mark.parametrize(
    ("settings", "cores", "gpus", "said"),
    [
        (("at_once=2",), 8, 0, "at_once is 2, but resources.slots is null"),
        (("at_once=2", "resources.slots=1", "dry_run=true"), 8, 0, "dry_run measures what the machine does for one search"),
        (("at_once=4", "resources.slots=2", "resources.cpus_per_trial=2"), 8, 0, "takes 16 cores, but there are 8"),
        (("at_once=4", "resources.slots=1", "price=t4"), 8, 2, "this machine has 2 GPUs"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_runs(monkeypatch, settings, cores, gpus, said) -> None:
    monkeypatch.setattr(module, "available_cores", lambda: cores)
    with pytest.raises(ConfigError, match=said):
        must_fit(config(*settings), gpus)
    must_fit(config("at_once=2", "resources.slots=2", "resources.cpus_per_trial=2"), gpus)
    must_fit(config("at_once=100", "resources.slots=2", "resources.address=auto"), 0)
