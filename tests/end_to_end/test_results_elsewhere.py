"""results=s3://...: searches, reports and replays of machines that share a bucket and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.command import FAST, LIMIT_SECONDS, command, started
from tests.records.remote.bucket import BUCKET, Server
from tests.records.remote.bucket import started as started_server
from tuneoff.records.remote.address import working_copy
from tuneoff.records.remote.place import Place
from tuneoff.records.store import load_cell

CELL = "s/entail-micro/pbt/repeat-0"
PBT = ("algorithm=pbt", "algorithm.trials=3", "hparams.num_epochs=40", "study=s", "view=quiet")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("moto", reason="moto, an S3 server, is not installed")
    with started_server() as running:
        yield running


@pytest.fixture
def machines(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """(address, environment of a machine by its name)."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)

    def machine(name: str) -> dict[str, str]:
        return {**server.environment(), "TUNEOFF_CACHE": str(tmp_path / name)}

    return f"s3://{BUCKET}/{tmp_path.name}", machine


def folder(address: str, environment: dict[str, str]) -> Path:
    return Path(environment["TUNEOFF_CACHE"]) / "results" / working_copy(address).name


def scores(cell: Path) -> dict[tuple[str, int], tuple[object, float]]:
    return {(e.trial_id, e.evaluation): (e.hparams, e.validation.loss) for e in load_cell(cell).evaluations}


def test_a_search_goes_on_on_another_machine_and_is_reported_on_a_third(machines, tmp_path: Path) -> None:
    address, machine = machines
    a, b, c = machine("a"), machine("b"), machine("c")
    given = (*FAST, *PBT, f"results={address}", "resources.slots=1", "keep=winner")
    log = folder(address, a) / CELL / "trials.jsonl"
    first = started(log, *given, evaluations=6, **a)
    try:
        place, until = Place(address), time.monotonic() + LIMIT_SECONDS
        while b'"evaluation"' not in (place.read(f"{CELL}/trials.jsonl") or b""):
            assert first.poll() is None, first.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    sent = place.read(f"{CELL}/trials.jsonl") or b""
    killed = b'"session_end"' not in sent  # else it was done before it could be
    assert not killed or any("/state/" in path for path in place.files(CELL))
    done = command("run", *given, **b)
    assert done.returncode == 0, done.stderr
    assert ("records:" if killed else "kept") in done.stdout
    cell = folder(address, b) / CELL
    assert (cell / "trials.jsonl").read_bytes().startswith(sent)
    left = [path for path in place.files(CELL) if any(part in path for part in ("/state/", "/kept/", ".writer"))]
    assert left == [], "nothing is left behind"
    assert f"{CELL}/model/model.safetensors" in place.files(CELL)

    alone = command("run", *FAST, *PBT, f"results={tmp_path / 'alone'}", "resources.slots=1")
    assert alone.returncode == 0, alone.stderr
    assert scores(cell) == scores(tmp_path / "alone" / CELL), "number for number what one machine finds"

    reported = command("report", "s", "--results", address, "--no-figures", **c)
    assert reported.returncode == 0, reported.stderr
    assert f"Sent to {address}" in reported.stdout
    assert "s/report/report.html" in place.files()
    checked = command("verify", "s", "--results", address, "--no-figures", **c)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = command("run", *given, **a)
    assert f"already finished in {address}/{CELL}; kept" in again.stdout, again.stderr
    assert (folder(address, a) / CELL / "model" / "model.safetensors").is_file(), "the model is where it was asked for"
    tracked = command("track", "s", "--results", address, "--optuna", str(tmp_path / "copy.db"), **c)
    assert tracked.returncode == 0, tracked.stderr


def test_an_interrupted_search_is_sent_before_its_command_ends(machines) -> None:
    address, machine = machines
    a = machine("a")
    given = (*FAST, *PBT, "hparams.num_epochs=200", f"results={address}")
    log = folder(address, a) / CELL / "trials.jsonl"
    first = started(log, *given, evaluations=4, **a)
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=LIMIT_SECONDS)
    assert first.returncode == 130
    place = Place(address)
    assert place.read(f"{CELL}/trials.jsonl") == log.read_bytes()
    assert place.read(f"{CELL}/run.json") == (log.parent / "run.json").read_bytes()
    assert not any(".writer" in path for path in place.files(CELL))


def test_several_searches_at_once_share_the_bucket(machines) -> None:
    address, machine = machines
    a = machine("a")
    done = command(
        "run", "-m", *FAST, "algorithm=random,default", "algorithm.trials=2", "resources.slots=1", "at_once=2", "study=s",
        f"results={address}", timeout=600, **a,
    )  # fmt: skip
    cores = len(os.sched_getaffinity(0))
    if cores < 2:
        pytest.skip("two searches at once need two cores")
    assert done.returncode == 0, done.stdout + done.stderr
    headers = [path for path in Place(address).files() if path.endswith("run.json")]
    assert len(headers) == 2


def test_a_bucket_that_cannot_be_reached_is_said_before_anything_starts(tmp_path: Path) -> None:
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "TUNEOFF_CACHE": str(tmp_path), "AWS_REGION": "us-east-1"}
    given = (*FAST, "algorithm=random", "results=s3://me:hunter22@bucket/x")
    done = command("run", *given, **environment)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "error: results is 's3://bucket/x', but it can't be read or written" in done.stderr
    assert "hunter22" not in done.stderr + done.stdout
