"""A sweep goes on after a cell that failed, says where it is, and lists at its end what failed and why."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.answer import read

ROOT = Path(__file__).parents[2]
JOB = """
import errno, os, sys
from tuneoff.commands.composition import to_config
from tuneoff.commands.entry import run_command
from tuneoff.commands.hydra_command import HydraCommand, command_of

@HydraCommand
def main(configuration):
    "A job."
    config = to_config(configuration)
    if config.seed == 13:
        raise OSError(errno.ENOSPC, "No space left on device")
    if config.seed == 14:
        raise RuntimeError("unforeseen")
    print("ran", config.algorithm.name, config.task.max_train_rows, command_of("run"))
    return config.seed

def run():
    code = main.run()
    print("results", main.results)
    return code

run_command(run)
"""


def job(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = folder / "job.py"
    script.write_text(JOB)
    return subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **environment},
    )


def test_a_sweep_goes_on_after_a_bad_cell_and_lists_what_failed(tmp_path: Path) -> None:
    done = job(tmp_path, "-m", "algorithm=default,random", "task.max_train_rows=300,5")
    assert done.returncode == 2
    said = done.stdout.splitlines()
    assert [line for line in said if line.startswith("cell")] == [
        "cell 1 of 4: algorithm=default task.max_train_rows=300",
        "cell 2 of 4: algorithm=default task.max_train_rows=5",
        "cell 3 of 4: algorithm=random task.max_train_rows=300",
        "cell 4 of 4: algorithm=random task.max_train_rows=5",
    ]
    assert sum(line.startswith("ran") for line in said) == 2
    assert said[-1] == "results [2020, 2020]"
    ending = done.stderr.splitlines()[-3:]
    assert ending[0] == "2 of 4 cells failed:"
    assert ending[1].startswith("  algorithm=default task.max_train_rows=5: task.max_train_rows is 5, but it must be")
    assert ending[2].startswith("  algorithm=random task.max_train_rows=5: task.max_train_rows is 5")
    assert "Traceback" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"job.py"}, "Hydra leaves nothing behind"


def test_a_full_disk_is_a_message_and_a_fault_of_ours_a_traceback_and_both_leave_the_other_cells_alone(tmp_path: Path) -> None:
    done = job(tmp_path, "-m", "seed=13,14,15")
    assert done.returncode == 2
    assert f"  seed=13: {os.strerror(errno.ENOSPC)}; free some space, and give the same command again" in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "  seed=14: RuntimeError('unforeseen')" in done.stderr
    assert done.stdout.splitlines()[-1] == "results [15]"


def test_one_bad_cell_alone_is_one_message(tmp_path: Path) -> None:
    done = job(tmp_path, "task.max_train_rows=5")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: task.max_train_rows is 5, but it must be a whole number of at least 10, or null for all rows"
    ]
    assert job(tmp_path, "seed=14").returncode == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_sweep_needs_no_writable_working_folder(tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(JOB)
    tmp_path.chmod(0o500)
    done = subprocess.run(
        [sys.executable, "job.py", "-m", "seed=1,2"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_command_of_a_cell_can_be_typed_again(tmp_path: Path) -> None:
    table = ("task=csv", "task.train_file=a b (1).csv", "task.dev_file=a b", "task.text_a=1", "task.label=é")
    done = job(tmp_path, "-m", "algorithm=random", "seed=1,2", *table)
    command = done.stdout.splitlines()[1].split("tuneoff run ")[1]
    again = read(*shlex.split(command))
    assert again == read("algorithm=random", "seed=1", *table)
    assert job(tmp_path, *shlex.split(command)).returncode == 0


def test_the_command_of_a_cell_names_the_folder_of_its_users_configuration(tmp_path: Path) -> None:
    (tmp_path / "my conf").mkdir()
    done = job(tmp_path, "algorithm=random", "--config-dir", str(tmp_path / "my conf"))
    assert "tuneoff run --config-dir 'my conf' algorithm=random" in done.stdout, done.stderr


def test_text_that_the_terminal_does_not_have_is_replaced(tmp_path: Path) -> None:
    table = ("task=csv", "task.train_file=日.csv", "task.text_a=é", "task.label=b", "task.quoting=日")
    done = job(tmp_path, *table, PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert done.stderr.startswith("error: task.quoting is '?'"), done.stderr
