"""Each rule that records follow finds a record that breaks it, without a seal; recorded and resumed searches break none."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import ray

from tests.study.fake_ray import session
from tests.test_config import config
from tests.verification.small_study import ROOT
from tuneoff.records.schema import Record
from tuneoff.records.store import LOG_FILE, load_cell
from tuneoff.verification.discrepancy import Log
from tuneoff.verification.header_checks import _price
from tuneoff.verification.log_checks import check_log
from tuneoff.verification.retraining_checks import check_retraining
from tuneoff.verification.rows import Rows
from tuneoff.verification.study import verify_records

Values = dict[str, Any]


@pytest.mark.parametrize("name", ["mrpc-minilm", "blog2020-minilm", "blog2020-micro"])
def test_a_recorded_study_breaks_no_rule_and_says_what_is_not_sealed(name: str) -> None:
    found = verify_records(ROOT / "results" / name)
    assert [one.line() for one in found.discrepancies] == []
    assert any(f"{found.cells} of {found.cells} cells are not sealed" in remark for remark in found.remarks)
    assert found.facts > 1000


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three recorded cells without seals."""
    for name in ("mrpc-minilm/mrpc-minilm/pbt", "mrpc-minilm/mrpc-minilm/grid", "entail-searches/entail-micro/pbt"):
        source = ROOT / "results" / name / "repeat-0"
        shutil.copytree(source, tmp_path / "study" / Path(name).relative_to(Path(name).parts[0]) / "repeat-0")
    for header in (tmp_path / "study").rglob("run.json"):
        alter(header, lambda values: values.update(study="study", config={**values["config"], "study": "study"}))
    return tmp_path / "study"


def alter(file: Path, change: Callable[[Values], Any], line: int = 0) -> None:
    """line: of a log, from 1; 0: the whole file is one object."""
    texts = file.read_text().splitlines() if line else [file.read_text()]
    values = json.loads(texts[line - 1])
    change(values)
    texts[line - 1] = json.dumps(values)
    file.write_text("\n".join(texts) + "\n")


def found_after(study: Path, cell: str, file: str, change: Callable[[Values], Any], line: int = 0) -> str:
    alter(study / cell / "repeat-0" / file, change, line)
    return "\n".join(one.line() for one in verify_records(study, Rows()).discrepancies)


MRPC, ENTAIL = "mrpc-minilm/pbt", "entail-micro/pbt"
HEADER = {
    "a seed": (lambda h: h["seeds"].update(split=1), "seeds: found"),
    "the space": (lambda h: h["space"]["learning_rate"].update(low=2e-5), "space: found"),
    "the price": (lambda h: h["price"].update(per_device_hour_usd=0.0505), "price: found"),
    "a prediction": (lambda h: h["extra"]["predicted"].update(dollars=1.0), "extra.predicted.dollars: found 1.0"),
    "a name": (
        lambda h: h.update(repeat=1),
        "the cell's folder: found mrpc-minilm/pbt/repeat-0, expected mrpc-minilm/pbt/repeat-1",
    ),
    "a size": (lambda h: h["data"].update(n_validation=361), "data.n_validation: found 361, expected 360"),
    "a row": (lambda h: h["data"]["parts"]["train"].update(index="0-25"), "data.parts.train.rows: found 2040, expected 26"),
    "a count": (lambda h: h["data"]["parts"]["test"].update(label_counts=[579, 1147]), "label_counts, summed: found 1726"),
    "a rate": (lambda h: h["data"]["parts"]["test"].update(majority_rate=0.66), "majority_rate: found 0.66"),
    "the status": (lambda h: h.update(status="done"), "status: found done, expected one of running"),
    "the metric": (lambda h: h.update(metric="f1"), "metric: found f1, expected accuracy"),
}


@pytest.mark.parametrize("what", HEADER)
def test_a_header_that_contradicts_itself_is_found(study: Path, what: str) -> None:
    change, expected = HEADER[what]
    assert expected in found_after(study, MRPC, "run.json", change)


def test_rows_of_one_part_in_another_are_found(study: Path) -> None:
    def change(header: Values) -> None:
        parts = header["data"]["parts"]
        parts["validation"]["index"] = "0 " + " ".join(parts["validation"]["index"].split()[1:])

    assert "rows of train in both train and validation: found [0]" in found_after(study, MRPC, "run.json", change)


def test_a_split_that_differs_between_searches_of_one_repeat_is_found(study: Path) -> None:
    found = found_after(study, MRPC, "run.json", lambda h: h["data"].update(split_sha256="0" * 64))
    assert "data.split_sha256: found" in found
    assert "of the same repeat" in found


def test_the_built_in_task_s_rows_decide_its_split_and_its_scores(study: Path) -> None:
    found = found_after(study, ENTAIL, "run.json", lambda h: h["data"]["parts"]["validation"].update(from_="x"))
    assert found == ""
    found = found_after(study, ENTAIL, "run.json", lambda h: h["data"]["source_rows"]["test"].update(sha256="0" * 64))
    assert "data.source_rows.test.sha256: found 000" in found


LINES = {
    "an examples' sum": (14, lambda r: r.update(examples_seen=4081), "examples_seen: found 4081, expected 2040 or 4080"),
    "an epoch": (14, lambda r: r.update(epoch=2.5), "epoch: found 2.5, expected 2.0"),
    "a number": (14, lambda r: r.update(evaluation=3), "its number: found 3, expected 2"),
    "a moment": (14, lambda r: r.update(elapsed_seconds=1.0), "elapsed_seconds: found 1.0, expected 2"),
    "a cost": (14, lambda r: r["cost"].update(train_seconds=-1.0), "cost.train_seconds: found -1.0, expected 0 or more"),
    "too dear": (14, lambda r: r["cost"].update(train_seconds=1e4), "s at most, since the search began"),
    "steps": (14, lambda r: r["cost"].update(train_steps=12), "cost.train_steps: found 12, expected 128"),
    "tokens": (14, lambda r: r["cost"].update(train_tokens=1), "cost.train_tokens: found 1, expected 108568"),
    "a setting": (
        14,
        lambda r: r["hparams"].update(adam_beta1=0.8),
        "hparams.adam_beta1: found 0.8, expected 0.9, as configured",
    ),
    "a proposal": (14, lambda r: r["hparams"].update(batch_size=32), "hparams.batch_size: found 32, expected 16, as proposed"),
    "a domain": (
        14,
        lambda r: r["hparams"].update(learning_rate=1.0),
        "hparams.learning_rate: found 1.0, expected a value of Float",
    ),
    "an accuracy": (14, lambda r: r["test"]["metrics"].update(accuracy=0.77624), "accuracy: found 0.77624, expected 1339/1725"),
    "the accuracy of others": (14, lambda r: r["test"]["metrics"].update(accuracy=1338 / 1725), "1338 right answers"),
    "an F1": (14, lambda r: r["test"]["metrics"].update(f1=0.84548), "test.metrics.f1: found 0.84548, expected 0.8454763"),
    "counts": (14, lambda r: r["validation"].update(predicted_counts=[76, 285]), "which are 361, expected 360 in sum"),
    "predictions": (14, lambda r: r["test"]["predictions"].__setitem__(0, 0), "predictions, counted: found [375, 1350]"),
    "a size": (14, lambda r: r["validation"].update(n_examples=359), "n_examples: found 359, expected 360"),
    "a parent": (18, lambda r: r.update(parent_trial_id="t007"), "parent_trial_id: found t007, expected a trial of an earlier"),
    "a test score too few": (18, lambda r: r.update(test=None), "test: found no score, expected one, since 0.8027"),
    "a test score too many": (
        20,
        lambda r: r.update(test={**r["validation"], "n_examples": 1725}),
        "test: found a score, expected none",
    ),
    "an end": (15, lambda r: r.update(trial_id="t009"), "trials without a proposal: found ['t009']"),
    "a status": (15, lambda r: r.update(status="ended"), "status: found ended, expected one of completed"),
    "a reason": (15, lambda r: r.update(status="stopped"), "reason: found , expected 'stopped early by the scheduler'"),
    "a session": (1, lambda r: r.update(session=2), "session: found 2, expected 1"),
    "a kind": (1, lambda r: r.update(kind="start"), "line 1: found no record (KeyError('start')), expected one"),
    "the last line": (24, lambda r: r.update(status="interrupted"), "the search's end: found interrupted, expected finished"),
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_that_breaks_a_rule_is_found(study: Path, what: str) -> None:
    line, change, expected = LINES[what]
    found = found_after(study, MRPC, LOG_FILE, change, line)
    assert expected in found
    assert f"mrpc-minilm/pbt/repeat-0/{LOG_FILE}: line " in found


def test_a_prediction_of_the_built_in_task_is_held_against_its_label(study: Path) -> None:
    """Predictions in another order leave every count as it is."""
    found = found_after(study, ENTAIL, LOG_FILE, lambda r: r["test"]["predictions"].reverse(), 35)
    assert "evaluation 3 of t003, test.metrics.accuracy: found 0.7" in found
    assert "from the rows and the predictions" in found


def test_a_script_s_trainer_and_a_replayed_schedule_may_do_what_ours_does_not(study: Path) -> None:
    """Values of their own, steps of their own, an end before the last epoch; counts of one of several sets."""

    def script(header: Values) -> None:
        header["config"]["engine"] = {"name": "hf_trainer"}

    def evaluation(record: Values) -> None:
        record["hparams"].update(adam_beta1=0.8, batch_size=32, num_epochs=9)
        record["cost"].update(train_steps=7)
        record["validation"].update(predicted_counts=[1, 2])

    folder = study / MRPC / "repeat-0"
    alter(folder / LOG_FILE, evaluation, 14)
    assert len(verify_records(study).discrepancies) > 4
    assert found_after(study, MRPC, "run.json", script) == ""

    def replay(header: Values) -> None:
        header["config"]["algorithm"]["searcher"]["name"] = "replay"
        del header["config"]["engine"]

    left = found_after(study, MRPC, "run.json", replay)
    assert "hparams" not in left
    assert "cost.train_steps" in left


class Killed(Exception):
    """Instead of SIGKILL."""


@pytest.mark.parametrize("search", ["random_asha", "hyperopt", "pbt", "pbt_2020"])
def test_a_search_that_was_killed_and_resumed_breaks_no_rule(
    search: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "get", lambda value, timeout=None: value)
    monkeypatch.setattr(os, "fsync", lambda _: None)
    extra = ("algorithm.trials=4", "hparams.num_epochs=4") if search == "pbt_2020" else ("budget=epochs:15",)
    run, rng = replace(config(f"algorithm={search}", *extra), results=tmp_path), random.Random(1)
    for _ in range(100):
        left = rng.randint(2, 9)

        def listen(_: Record) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        try:
            session(run, listen)
            break
        except Killed:
            continue
    cell = load_cell(run.cell)
    header = replace(cell.header, status="running", config=run.raw, space=run.raw["space"])  # what the made-up one lacks
    log = Log(file=LOG_FILE, header=header, lines=tuple(enumerate(cell.records, start=1)))
    assert sum(1 for _ in log.evaluations) > 5
    found = [one.line() for one in check_log(log)]
    made_up = ("elapsed_seconds: found", "train_steps")  # sessions begin at 0 each time, and no step is counted
    assert [line for line in found if not any(words in line for words in made_up)] == []


def test_a_retraining_under_other_values_than_the_winner_s_is_found() -> None:
    cell = load_cell(ROOT / "results" / "mrpc-minilm" / "mrpc-minilm" / "grid" / "repeat-0")
    best = max(cell.evaluations, key=lambda e: e.validation.metrics["accuracy"])
    search = Log(file="c/trials.jsonl", header=cell.header, lines=tuple(enumerate(cell.records, start=1)))
    right = replace(best, trial_id="r000", evaluation=1, parent_trial_id=None)
    wrong = replace(right, hparams={**best.hparams, "batch_size": 128})
    for record, count in ((right, 0), (wrong, 1)):
        again = Log(file="c/retrain.jsonl", header=cell.header, lines=((1, record),), retraining=True)
        found = [one.line() for one in check_retraining(search, again)]
        assert len(found) == count
        assert all("hparams.batch_size: found 128" in line and "as the search's winner" in line for line in found)


@pytest.mark.parametrize(
    ("recorded", "holds"),
    [
        ({"per_device_hour_usd": 0.4, "note": "n; 1 x spot at 0.2, 1 x l4 at 0.6"}, True),
        ({"per_device_hour_usd": 0.7, "note": "n; 1 x l4 at 0.7"}, False),  # above all of them
        ({"per_device_hour_usd": 0.4, "note": "another"}, False),
        ({"per_device_hour_usd": 0.4, "note": "n; 1 x spot at 0.2", "source": "another"}, False),
    ],
)
def test_a_clusters_price_is_a_mean_of_its_machines(recorded: Values, holds: bool) -> None:
    plain = {"name": "t4", "per_device_hour_usd": 0.5, "source": "s", "date": "d", "note": "n"}
    header = {**plain, **recorded}
    assert (_price(header, {**plain, "machines": {"spot": 0.2, "l4": 0.6}}) == header) is holds
    assert _price(plain, {**plain, "machines": None}) == plain
