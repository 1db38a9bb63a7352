from __future__ import annotations

import subprocess
import sys

import pytest

from tuneoff.execution.worker_locks import take


def test_each_gets_a_worker_of_its_own_and_waits_where_there_is_none(tmp_path):
    (first, held), (second, _also) = take(tmp_path, 2), take(tmp_path, 2)
    assert {first, second} == {0, 1}
    with pytest.raises(TimeoutError, match="none of 2 workers"):
        take(tmp_path, 2, patience_seconds=0.05)
    held.close()
    assert take(tmp_path, 2)[0] == first


def test_a_holder_that_dies_frees_its_worker(tmp_path):
    code = (
        "import pathlib, time; from tuneoff.execution.worker_locks import take; "
        f"held = take(pathlib.Path({str(tmp_path)!r}), 1); "
        "print('taken', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with pytest.raises(TimeoutError):
            take(tmp_path, 1, patience_seconds=0.05)
        process.kill()
    assert take(tmp_path, 1, patience_seconds=5)[0] == 0
