"""With one slot a search that was killed, after any single line of its log, and resumed equals an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import ray

from tests.study.fake_ray import session
from tests.test_config import config
from tuneoff.config import RunConfig
from tuneoff.errors import StudyError
from tuneoff.records.incumbent import incumbent
from tuneoff.records.provenance import PROTOCOL_VERSION
from tuneoff.records.schema import Record, SessionStartRecord, TrialEndRecord, TrialStartRecord
from tuneoff.records.store import KEPT_FOLDER, LOG_FILE, MODEL_FOLDER, STATE_FOLDER, load_cell, write_header
from tuneoff.study.stored_cell import finished, kept_file
from tuneoff.training import state_file

SEARCHES = {
    "default": ("algorithm=default", "algorithm.trials=2"),
    "grid": ("algorithm=grid", "budget=epochs:10"),
    "random": ("algorithm=random", "budget=epochs:10"),
    "random_lengths": ("algorithm=random", "budget=epochs:12", "+space.num_epochs={type:int,low:1,high:4}"),
    "random_asha": ("algorithm=random_asha", "budget=epochs:14"),
    "brackets": (
        "algorithm=random_asha",
        "budget=epochs:20",
        "hparams.num_epochs=4",
        "+algorithm.scheduler.brackets=2",
        "+algorithm.scheduler.reduction_factor=2",
        "training.evaluations_per_epoch=2",
    ),
    "bayesopt": ("algorithm=bayesopt", "algorithm.trials=5", "+algorithm.searcher.initial_points=3"),
    "hyperopt": ("algorithm=hyperopt", "budget=epochs:16"),
    "pbt": ("algorithm=pbt", "budget=epochs:15"),
    "pbt_halves": ("algorithm=pbt", "budget=epochs:15", "training.evaluations_per_epoch=2"),
    "pbt_half_copies": ("algorithm=pbt", "algorithm.trials=4", "+algorithm.scheduler.quantile_fraction=0.5"),
    "pbt_together": ("algorithm=pbt", "algorithm.trials=5", "hparams.num_epochs=4", "+algorithm.scheduler.synchronous=true"),
    "pbt_2020": ("algorithm=pbt_2020", "algorithm.trials=4", "hparams.num_epochs=4"),
}


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "get", lambda value, timeout=None: value)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@cache
def _composed(search: str) -> RunConfig:
    return config(*SEARCHES[search])


def run_config(search: str, results: Path) -> RunConfig:
    return replace(_composed(search), results=results)


def outcome(cell: Path) -> dict[str, Any]:
    """Everything that a search came to: no clocks, no sessions, no names of files."""
    log = load_cell(cell)
    return {
        "proposed": {r.trial_id: r.hparams for r in log.records if isinstance(r, TrialStartRecord)},
        "evaluations": [
            (
                r.trial_id,
                r.evaluation,
                r.parent_trial_id,
                r.parent_evaluation,
                r.hparams,
                r.examples_seen,
                r.validation,
                r.test,
                r.cost.train_examples,
            )
            for r in log.evaluations
        ],
        "ends": {r.trial_id: (r.status, r.reason, r.hparams) for r in log.records if isinstance(r, TrialEndRecord)},
    }


class Undisturbed:
    """A search, with its cell as it was after each line."""

    def __init__(self, search: str, folder: Path) -> None:
        self.config = run_config(search, folder / "whole")
        self.cuts: list[Path] = []
        session(self.config, lambda record: self._keep(folder, record))
        self.outcome = outcome(self.config.cell)

    def _keep(self, folder: Path, record: Record) -> None:
        cut = folder / f"cut-{len(self.cuts)}"
        shutil.copytree(self.config.cell, cut)
        self.cuts.append(cut)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_killed_after_any_line_and_resumed_equals_an_undisturbed_one(search: str, tmp_path: Path) -> None:
    whole = Undisturbed(search, tmp_path)
    assert len(whole.cuts) == len(load_cell(whole.config.cell).records) > 7
    if search.startswith("pbt"):
        assert any(parent for _, _, parent, *_ in whole.outcome["evaluations"]), "somebody copied"
    if search in ("random_asha", "brackets", "hyperopt"):
        assert "stopped" in {status for status, *_ in whole.outcome["ends"].values()}
    for number, cut in enumerate(whole.cuts):
        resumed = run_config(search, tmp_path / f"resumed-{number}")
        shutil.copytree(cut, resumed.cell)
        session(resumed)
        assert outcome(resumed.cell) == whole.outcome, f"killed after line {number + 1}"
        sessions = [r.session for r in load_cell(resumed.cell).records if isinstance(r, SessionStartRecord)]
        assert sessions == [1, 2]


@pytest.mark.parametrize("search", ["random", "random_asha", "pbt", "pbt_2020"])
def test_torn_states_cost_training_and_no_result(search: str, tmp_path: Path) -> None:
    whole = Undisturbed(search, tmp_path)
    for number, cut in enumerate(whole.cuts):
        resumed = run_config(search, tmp_path / f"resumed-{number}")
        shutil.copytree(cut, resumed.cell)
        for file in sorted((resumed.cell / STATE_FOLDER).glob("*"))[number % 2 :: 2]:
            file.write_bytes(file.read_bytes()[:-5])
        before = outcome(resumed.cell)
        session(resumed)
        after = outcome(resumed.cell)
        assert after["evaluations"][: len(before["evaluations"])] == before["evaluations"]
        assert after["proposed"].keys() == after["ends"].keys()
        assert {status for status, *_ in after["ends"].values()} <= {"completed", "stopped"}


class Killed(Exception):
    """Instead of SIGKILL."""


@pytest.mark.parametrize("search", ["random_asha", "hyperopt", "pbt", "pbt_halves", "pbt_together", "pbt_2020"])
@pytest.mark.parametrize("seed", range(2))
def test_a_search_killed_again_and_again_equals_an_undisturbed_one(search: str, seed: int, tmp_path: Path) -> None:
    whole = Undisturbed(search, tmp_path)
    again, rng = run_config(search, tmp_path / "again"), random.Random(seed)
    kills = 0
    while kills < 100:
        left = rng.randint(1, 6)

        def listen(_: Record) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        try:
            session(again, listen)
            break
        except Killed:
            kills += 1
    assert kills >= 3
    assert outcome(again.cell) == whole.outcome


def test_the_log_is_written_line_by_line(tmp_path: Path) -> None:
    """Or the tests above would cut elsewhere than a kill does."""
    whole = Undisturbed("random", tmp_path)
    lengths = [len((cut / LOG_FILE).read_text().splitlines()) for cut in whole.cuts]
    assert lengths == list(range(1, len(lengths) + 1))


def kept_value(cell: Path) -> float:
    """The number that the made-up trainer has in the place of weights, of the one file that is kept."""
    (file,) = (cell / KEPT_FOLDER).iterdir()
    assert file == kept_file(load_cell(cell))
    value: float = state_file.read(file).numbers["value"]
    return value


@pytest.mark.parametrize("search", ["random", "random_asha", "pbt"])
def test_the_best_evaluations_weights_are_kept_whatever_line_a_search_is_killed_after(search: str, tmp_path: Path) -> None:
    keeping = replace(run_config(search, tmp_path / "whole"), keep="winner")
    cuts: list[Path] = []

    def listen(_: Record) -> None:
        cuts.append(tmp_path / f"cut-{len(cuts)}")
        shutil.copytree(keeping.cell, cuts[-1])

    session(keeping, listen)
    best = incumbent(load_cell(keeping.cell))
    value = kept_value(keeping.cell)
    assert best.validation.metrics["accuracy"] == round(0.3 + 0.5 * value + 0.1 * best.epoch, 3), "the weights that were scored"
    for number, cut in enumerate(cuts):
        assert kept_file(load_cell(cut)) is not None or not load_cell(cut).evaluations, "at every moment"
        resumed = replace(keeping, results=tmp_path / f"resumed-{number}")
        shutil.copytree(cut, resumed.cell)
        session(resumed)
        assert kept_value(resumed.cell) == value, f"killed after line {number + 1}"
    assert outcome(keeping.cell) == Undisturbed(search, tmp_path / "without").outcome, "keeping changes nothing"


def test_a_search_that_began_without_keeping_is_not_gone_on_with_as_if_it_had(tmp_path: Path) -> None:
    given = run_config("random", tmp_path)

    def listen(record: Record) -> None:
        if record.kind == "evaluation":
            raise Killed

    with pytest.raises(Killed):
        session(given, listen)
    write_header(given.cell, replace(load_cell(given.cell).header, config_hash=given.hash, protocol_version=PROTOCOL_VERSION))
    header = replace(load_cell(given.cell).header, status="running")
    write_header(given.cell, header)
    assert not finished(given)
    keeping = replace(given, keep="winner")
    with pytest.raises(StudyError, match=r"keep is 'winner', but random, repeat 0, of study=main began without it.*keep=null"):
        finished(keeping)
    write_header(given.cell, replace(header, status="finished"))
    with pytest.raises(StudyError, match=r"is finished without it.*winner\.yaml\), or study=NAME"):
        finished(keeping)
    (given.cell / MODEL_FOLDER).mkdir()
    assert finished(keeping)
