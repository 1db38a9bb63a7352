"""Secrets planted in the environment and in settings are in no record, log, page, message or tracker; the search uses them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.end_to_end.command import command
from tests.end_to_end.secret_parts import EXPECTED
from tuneoff.records.store import load_cell

pytestmark = pytest.mark.ray

CONF = Path(__file__).parents[1] / "extending" / "conf"
MARK = "planted"
"""In each secret, and in nothing else: file names, settings and values have other words."""
ENVIRONMENT = {
    "WANDB_API_KEY": f"{MARK}-wandb-0123456789",
    "MLFLOW_TRACKING_PASSWORD": f"{MARK}-mlflow-0123456789",
    "AWS_SECRET_ACCESS_KEY": f"{MARK}/aws+0123456789=",
    "HF_TOKEN": f"{MARK}-hub-0123456789",
}
ENGINE, OTHER_ENGINE, TRACKER = f"{MARK}-of-engine", f"{MARK}-of-engine-renewed", f"{MARK}-of-tracker"
GIVEN = (
    "engine=secret",
    "space=curve",
    "study=s",
    "view=lines",
    "algorithm=random",
    "algorithm.trials=6",
    "resources.slots=1",
    "tracker=[tensorboard,secret_lines]",
    f'engine.store="postgresql://me:{MARK}-of-address@host/rows?access_token={MARK}-of-query&limit=5"',
    f"tracker.secret_lines.api_key={TRACKER}",
    "price=custom",
    "price.per_device_hour_usd=1.0",
    f"price.source=http://me:{MARK}-of-price@host/",
    "price.note=${oc.env:HF_TOKEN}",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The results' folder, Ray's own, and all that was printed by a search, its resumption and its report."""
    folder, ray = tmp_path_factory.mktemp("planting"), Path(tempfile.mkdtemp(prefix="tn-", dir="/tmp"))
    conf = folder / "conf"
    shutil.copytree(CONF, conf)
    (conf / "engine" / "secret.yaml").write_text(
        "# @package _global_\nengine: {name: secret, hub_token: '???', store: '???'}\nhparams: {}\n"
        "plugins: [tests.end_to_end.secret_parts]\n"
    )
    (conf / "tracker" / "secret_lines.yaml").write_text("# @package tracker.secret_lines\nfile: lines.txt\napi_key: null\n")
    results = folder / "results"
    hashes = " ".join(hashlib.sha256(word.encode()).hexdigest() for word in (ENGINE, OTHER_ENGINE, TRACKER))
    environment = {**ENVIRONMENT, "RAY_TMPDIR": str(ray), EXPECTED: hashes}
    given = ("--config-dir", str(conf), *GIVEN, f"results={results}")
    track = ("--results", str(results), "--no-figures", "--plugins", "tests.end_to_end.secret_parts", "--to")
    made = [
        command("run", *given, f"engine.hub_token={ENGINE}", **environment),
        command("run", *given, f"engine.hub_token={OTHER_ENGINE}", "retrain=1", **environment),
        command("run", *given, f"engine.hub_token={OTHER_ENGINE}", "retrain=1", **environment),
        command("report", "s", "--results", str(results), **environment),
        command("track", "s", *track, "tensorboard", **environment),
        command("track", "s", "--results", str(results), "--optuna", str(results / "copy.db"), **environment),
    ]
    refused = [
        command("verify", "s", "--results", str(results), "--no-figures", **environment),  # the made-up curve has no such rows
        command("run", *given, f"engine.hub_token={ENGINE}", f"results=s3://me:{MARK}-of-bucket@host", **environment),
        command("run", *given, f"engine.hub_token={ENGINE}", f"+engine.api_key={MARK}-unknown", **environment),
        command("run", *given, f"engine.hub_token=[{MARK}", **environment),
        command("run", *given, "-m", f"engine.hub_token={MARK}-a,{MARK}-b", "repeat=-1", **environment),
        command("track", "s", *track, "secret_lines", **environment),
    ]
    yield results, ray, made, refused
    shutil.rmtree(ray, ignore_errors=True)


def test_the_commands_do_what_they_do(ran):
    results, _, made, refused = ran
    assert [done.returncode for done in made] == [0] * len(made), [done.stderr[-900:] for done in made]
    assert [done.returncode for done in refused] == [2] * len(refused), [done.stderr[-2000:] for done in refused]
    assert "1 discrepancies" in refused[0].stdout, "the hash of the configuration agrees with what is recorded"
    cell = load_cell(results / "s" / "entail-micro" / "random" / "repeat-0")
    assert {end.status for end in cell.trial_ends} == {"completed", "failed"}
    assert (results / "s" / "report" / "report.html").is_file()
    assert list((results / "tracked").rglob("*tfevents*"))
    assert (results / "tracked" / "lines.txt").read_text().count("TrialEnded") >= 6


def test_another_token_is_the_same_search(ran):
    _, _, made, _ = ran
    assert "already finished" not in made[1].stdout
    assert "already finished" in made[2].stdout


def test_what_is_hidden_is_seen_to_be_hidden(ran):
    results, *_ = ran
    folder = results / "s" / "entail-micro" / "random" / "repeat-0"
    header = json.loads((folder / "run.json").read_text())
    assert header["config"]["engine"] == {
        "name": "secret",
        "hub_token": "***",
        "store": "postgresql://***@host/rows?access_token=***&limit=5",
    }
    assert header["config"]["tracker"]["secret_lines"]["api_key"] == "***"
    assert header["config"]["price"]["note"] == header["price"]["note"] == "***"
    assert "engine.hub_token=***" in header["command"]
    assert "'price.note=***'" in header["command"]
    assert header["data"]["source"] == "read from postgresql://***@host/rows?access_token=***&limit=5"
    traceback = next((folder / "errors").iterdir()).read_text()
    assert "refused with" in traceback
    assert "***" in traceback


def test_no_file_holds_a_secret(ran):
    results, ray, *_ = ran
    files = [path for folder in (results, ray) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 40
    assert [str(path) for path in files if MARK.encode() in path.read_bytes()] == []


def test_nothing_printed_holds_a_secret(ran):
    _, _, made, refused = ran
    for done in (*made, *refused):
        assert MARK not in done.stdout, done.args
        assert MARK not in done.stderr, done.args
