"""Searchers and schedulers in Ray Tune itself, with a trainable that only adds numbers."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle, tune
from ray.tune import Trainable

from tests.algorithms.search_driver import MIXED, context, plan
from tuneoff.algorithms.base import Plan

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_of_two_cpus")]
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Adder(Trainable):
    """Its weight grows by 1 / (1 + weight_decay) a step; `num_epochs` steps. Diverges at a batch size of 64."""

    diverges = False

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.values = dict(new_config)
        self.weight, self.epoch, self.loaded = 0.0, 0, None
        return True

    def step(self) -> dict[str, Any]:
        time.sleep(0.05)
        if self.diverges and self.values["batch_size"] == 64 and self.epoch == 1:
            return {"done": True, "status": "diverged"}
        self.epoch += 1
        self.weight += 1 / (1 + self.values["weight_decay"])
        loaded, self.loaded = self.loaded, None
        return {
            "score": self.weight,
            "epoch": float(self.epoch),
            "done": self.epoch >= self.values["num_epochs"],
            "seen": dict(self.values),
            "loaded": loaded,
            "process": os.getpid(),
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        state = {"weight": self.weight, "epoch": self.epoch, "writer": self.trial_id, "values": self.values}
        Path(checkpoint_dir, "state.json").write_text(json.dumps(state), encoding="utf-8")

    def load_checkpoint(self, checkpoint: str) -> None:
        self.loaded = json.loads(Path(checkpoint, "state.json").read_text(encoding="utf-8"))
        self.weight, self.epoch = self.loaded["weight"], self.loaded["epoch"]


class Diverging(Adder):
    diverges = True


class Mute(Adder):
    def step(self) -> dict[str, Any]:
        return {"eval_acc": 0.5, "epoch": 1.0}


class Log(tune.Callback):
    def __init__(self) -> None:
        self.results: list[tuple[str, dict[str, Any]]] = []

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any) -> None:
        self.results.append((trial.trial_id, dict(result)))


def run(made: Plan, folder: Path, trainable: type[Trainable] = Adder, **config: Any) -> tuple[Any, Log]:
    log = Log()
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=made.searcher, scheduler=made.scheduler, num_samples=made.num_samples, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder),
            name="search",
            callbacks=[log],
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(num_to_keep=made.keep_checkpoints),
            **config,
        ),
    )
    return tuner.fit(), log


@pytest.mark.parametrize("synchronous", [False, True])
def test_a_population_of_more_members_than_slots_copies_mutates_and_ends(tmp_path: Path, synchronous: bool) -> None:
    made = plan(
        "random",
        "pbt",
        trials=6,
        where=context(seed=4),
        scheduler_knobs={"synchronous": synchronous, "quantile_fraction": 0.5, "resample_probability": 0.5},
    )
    grid, log = run(made, tmp_path)
    assert len(grid) == made.num_trials
    assert not grid.errors
    copies = [(trial, result) for trial, result in log.results if result["loaded"] and result["loaded"]["writer"] != trial]
    assert copies
    assert len(copies) <= made.scheduler._num_perturbations  # a member can be exploited again before it is run
    for trial, result in log.results:
        assert MIXED.contains(result["seen"]), trial
    for trial, result in copies:
        donor, seen = result["loaded"], result["seen"]
        assert (seen["num_epochs"], seen["lr_schedule"]) == (donor["values"]["num_epochs"], donor["values"]["lr_schedule"]), (
            trial
        )
        assert result["training_iteration"] == result["epoch"] == donor["epoch"] + 1
        gain = 1 / (1 + seen["weight_decay"])
        assert result["score"] == pytest.approx(donor["weight"] + gain)
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if name.startswith("pbt_")]


def test_successive_halving_stops_trials_and_a_diverged_one_has_no_score(tmp_path: Path) -> None:
    made = plan("random", "asha", trials=8, where=context(seed=1), scheduler_knobs={"reduction_factor": 2})
    grid, log = run(made, tmp_path, Diverging)
    assert not grid.errors
    assert len(grid) == 8
    diverged = {trial for trial, result in log.results if result.get("status") == "diverged"}
    assert diverged
    assert made.scheduler._num_stopped > 0
    assert len(made.searcher.history.observed) == 8 - len(diverged)
    assert not made.searcher.history.pending


def test_a_trainable_that_never_reports_a_score_ends_in_an_error_that_says_so(tmp_path: Path) -> None:
    made = plan("random", "asha", trials=2)
    with pytest.raises(Exception, match="must have a 'score'"):
        run(made, tmp_path, Mute)
