"""What MLflow's own client reads back, from a SQLite file and from its server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import pytest

from tuneoff.commands.track import main
from tuneoff.records.incumbent import incumbent
from tuneoff.trackers.contracts import Evaluated
from tuneoff.trackers.events import events

mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed (the extra mlflow)")
pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed (the extra mlflow)")


@pytest.fixture
def study(study):
    """One search: a tool takes its time for each run."""
    shutil.rmtree(study / "entail-micro" / "random_asha")
    return study


def check(uri, study, cells):
    """The study as the records have it."""
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(study.name)
    runs = {run.data.tags["tuneoff.path"]: run for run in client.search_runs([experiment.experiment_id], max_results=1000)}
    for cell in cells.values():
        name = f"entail-micro/{cell.header.algorithm}/repeat-0"
        search = runs[name]
        assert search.info.status == "FINISHED"
        assert search.data.params["algorithm.name"] == cell.header.algorithm
        assert search.data.metrics["total/best/validation/accuracy"] == incumbent(cell).validation.metrics["accuracy"]
        assert search.data.tags["winner.trial"] == incumbent(cell).trial_id
        for end in cell.trial_ends:
            trial = runs[f"{name}/{end.trial_id}"]
            assert trial.data.tags["mlflow.parentRunId"] == search.info.run_id
            assert trial.data.tags["status"] == end.status
            points = [e for e in events(cell) if isinstance(e, Evaluated) and e.trial.name == end.trial_id]
            if not points:  # the budget was spent before its first evaluation
                continue
            curve = client.get_metric_history(trial.info.run_id, "validation/accuracy")
            assert [(p.step, p.value) for p in sorted(curve, key=lambda p: p.timestamp)] == [
                (e.examples, e.values["validation/accuracy"]) for e in points
            ]
            assert trial.data.tags.get("lineage", "") == "; ".join(points[-1].lineage)
            assert trial.data.params["learning_rate"] == str(points[0].trial.hparams["learning_rate"])
    report = runs["report"].info.run_id
    assert "report.html" in [file.path for file in client.list_artifacts(report)]
    assert "tables/results.md" in [file.path for file in client.list_artifacts(report, "tables")]
    return len(runs)


def test_a_study_is_read_back_from_the_file_and_nothing_is_there_twice(study, cells, capsys, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    track = [str(study), "--to", "mlflow", "--no-figures"]
    uri = f"sqlite:///{study.parent / 'tracked' / 'mlflow.db'}"
    assert main(track) == 0
    runs = check(uri, study, cells)
    assert runs == 1 + sum(1 + len(cell.trial_ends) for cell in cells.values())
    for bookmark in (study.parent / "tracked" / "state").rglob("*.json"):
        bookmark.unlink()  # as if it had been killed before it noted anything: all is sent again
    assert main(track) == 0
    assert check(uri, study, cells) == runs
    capsys.readouterr()
    assert main(track) == 0
    assert "mlflow: 0 events sent" in capsys.readouterr().out


@pytest.fixture
def server(tmp_path):
    for package in ("flask_cors", "aiohttp", "graphene"):
        pytest.importorskip(package, reason=f"MLflow's server needs {package}, which mlflow-skinny leaves out")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = [
        "--backend-store-uri",
        f"sqlite:///{tmp_path / 'server.db'}",
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
    ]
    where = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    process = subprocess.Popen([sys.executable, "-m", "mlflow", "server", *store, *where], env=environment)
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 90
    try:
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2).close()
                break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def test_a_study_is_read_back_from_the_server(study, cells, server):
    assert main([str(study), "--to", "mlflow", "--set", f"mlflow.uri={server}", "--no-figures"]) == 0
    check(server, study, cells)
