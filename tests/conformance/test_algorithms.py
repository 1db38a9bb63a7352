"""Every algorithm of conf/algorithm, and every knob of every searcher and scheduler: rules that all must keep."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import tuneoff
from tests.algorithms.search_driver import MIXED, Driver, FakeTrial, context, plan
from tuneoff.algorithms import scheduler_names, searcher_names
from tuneoff.algorithms.base import AlgorithmConfig, build
from tuneoff.algorithms.discovery import load
from tuneoff.space import Choice, Int, SearchSpace

CONF = Path(tuneoff.__file__).parent / "conf" / "algorithm"
FILES = sorted(path for path in CONF.glob("*.yaml") if path.stem != "pbt_replay")
"""Without the replay, which searches nothing: it is tested end to end, on a recorded search."""
DETERMINISTIC = ("default",)

COUNTABLE = SearchSpace(
    {
        "batch_size": Choice(values=(16, 32)),
        "num_epochs": Int(low=2, high=4),
        "lr_schedule": Choice(values=("linear", "cosine")),
    }
)

# For each knob: the searcher or scheduler beside it, what else is set, and the value that must make a difference.
SEARCHER_KNOBS: dict[tuple[str, str], tuple[dict[str, Any], Any]] = {
    ("grid", "points"): ({}, 2),
    ("grid", "shuffle"): ({}, False),
    ("gp", "initial_points"): ({}, 4),
    ("gp", "acquisition"): ({}, "ucb"),
    ("gp", "xi"): ({}, 0.5),
    ("gp", "kappa"): ({"acquisition": "ucb"}, 0.0),
    ("gp", "noise"): ({}, 1.0),
    ("gp", "lie"): ({}, "min"),
    ("tpe", "initial_points"): ({}, 4),
    ("tpe", "gamma"): ({}, 1.0),
    ("tpe", "candidates"): ({}, 2),
    ("tpe", "prior_weight"): ({}, 20.0),
}
SCHEDULER_KNOBS: dict[tuple[str, str], Any] = {
    ("asha", "grace_epochs"): 2,
    ("asha", "reduction_factor"): 2,
    ("asha", "brackets"): 2,
    ("asha", "max_epochs"): 16,
    ("pbt", "perturbation_interval_epochs"): 2,
    ("pbt", "quantile_fraction"): 0.5,
    ("pbt", "resample_probability"): 1.0,
    ("pbt", "perturbation_factors"): [2.0, 0.5],
    ("pbt", "mutated"): ["learning_rate"],
    ("pbt", "synchronous"): True,
    ("pbt", "clip"): False,
}


def read(file: Path, **changes: Any) -> AlgorithmConfig:
    """With at most 7 trials, unless said otherwise: a model's proposal takes half a second."""
    values = {**yaml.safe_load(file.read_text(encoding="utf-8")), **changes}
    return AlgorithmConfig.from_dict({**values, "trials": changes.get("trials", min(values["trials"], 7))})


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_there_is_a_file_for_each_algorithm_of_the_readme() -> None:
    assert {"grid", "random", "random_asha", "bayesopt", "hyperopt", "pbt", "default"} <= {f.stem for f in FILES}


def test_the_file_is_named_as_the_algorithm_and_uses_a_searcher_and_scheduler_that_exist(file: Path) -> None:
    config = read(file)
    assert config.name == file.stem
    assert config.searcher.name in searcher_names()
    assert config.scheduler.name in scheduler_names()


def test_its_scheduler_can_be_switched_off_in_one_setting(file: Path) -> None:
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    if len(values["scheduler"]) > 1:
        pytest.skip("it sets its scheduler's knobs: they would have to go too")
    values["scheduler"]["name"] = "none"
    assert AlgorithmConfig.from_dict(values).scheduler.name == "none"


def test_the_same_seed_gives_the_same_proposals_all_in_the_space_and_as_many_as_promised(file: Path) -> None:
    config = read(file)
    first, second = (Driver(build(config, context(seed=3))) for _ in range(2))
    proposals = first.run()
    assert proposals == second.run()
    assert len(proposals) == first.plan.num_trials == config.trials
    assert all(MIXED.contains(point) for point in proposals)
    assert all(list(point) == list(MIXED.domains) for point in proposals)


def test_another_seed_gives_other_proposals(file: Path) -> None:
    config = read(file)
    first, second = (Driver(build(config, context(seed=seed))).run(steps=3) for seed in (1, 2))
    assert (first == second) == (config.searcher.name in DETERMINISTIC)


def test_a_search_saved_and_restored_goes_on_as_if_it_had_not_stopped(file: Path, tmp_path: Path) -> None:
    config = read(file)
    whole = Driver(build(config, context(seed=5)))
    expected = whole.run()
    half = Driver(build(config, context(seed=5)))
    half.run(steps=len(expected) // 2)
    half.plan.searcher.save_to_dir(str(tmp_path), "session")
    other = build(config, context(seed=5))
    other.searcher.restore_from_dir(str(tmp_path))
    resumed = Driver(other, proposals=list(half.proposals), running=list(half.running))
    assert resumed.run() == expected


def test_failed_trials_are_counted_and_never_get_a_score(file: Path) -> None:
    driver = Driver(build(read(file), context()), fails=lambda number: number % 2 == 0)
    driver.run()
    history = driver.plan.searcher.history
    assert len(history.tried) == driver.plan.num_trials
    assert len(history.observed) == driver.plan.num_trials // 2
    assert not history.pending


def test_a_small_countable_space_is_searched_without_a_hang(file: Path) -> None:
    """All of it tried: the models stop there, or repeat nothing; independent draws go on."""
    config = read(file, trials=14)
    driver = Driver(build(config, context(space=COUNTABLE)))
    proposals = driver.run()
    assert all(COUNTABLE.contains(point) for point in proposals)
    assert len(proposals) == driver.plan.num_trials
    if config.searcher.name in ("grid", "gp", "tpe"):
        assert len(proposals) == COUNTABLE.size() == len({tuple(point.values()) for point in proposals})


def test_the_plan_can_be_pickled_as_ray_does_with_an_experiment(file: Path) -> None:
    made = build(read(file), context())
    searcher, _ = pickle.loads(pickle.dumps((made.searcher, made.scheduler)))
    assert searcher.suggest("t000") == made.searcher.suggest("t000")


def test_every_knob_is_in_the_tables_of_this_file() -> None:
    for names, kind, table in (
        (searcher_names(), "searcher", SEARCHER_KNOBS),
        (scheduler_names(), "scheduler", SCHEDULER_KNOBS),
    ):
        knobs = {(name, field.name) for name in names for field in fields(load(kind, name).Settings)}
        assert knobs == set(table) | {("replay", "source"), ("pbt", "resume")} & knobs


def test_how_a_member_goes_on_from_a_copy_reaches_the_plan() -> None:
    assert plan("random", "pbt", trials=4).resume == "examples"
    assert plan("random", "pbt", trials=4, scheduler_knobs={"resume": "trainer_2020"}).resume == "trainer_2020"


@cache
def proposals_of(searcher: str, **knobs: Any) -> list[Any]:
    return Driver(plan(searcher, trials=6, searcher_knobs=knobs), slots=3).run()


@pytest.mark.parametrize(("name", "knob"), SEARCHER_KNOBS, ids=map("-".join, SEARCHER_KNOBS))
def test_every_searcher_knob_changes_what_is_proposed(name: str, knob: str) -> None:
    others, value = SEARCHER_KNOBS[name, knob]
    others = {"initial_points": 3, **others} if name in ("gp", "tpe") else others
    assert proposals_of(name, **{**others, knob: value}) != proposals_of(name, **others)


@pytest.mark.parametrize(("name", "knob"), SCHEDULER_KNOBS, ids=map("-".join, SCHEDULER_KNOBS))
def test_every_scheduler_knob_changes_what_it_does(name: str, knob: str) -> None:
    def behaviour(**knobs: Any) -> object:
        made = plan("random", name, scheduler_knobs=knobs, where=context(max_epochs=8)).scheduler
        return asha_decisions(made) if name == "asha" else pbt_behaviour(made)

    assert behaviour(**{knob: SCHEDULER_KNOBS[name, knob]}) != behaviour()


def asha_decisions(scheduler: Any) -> list[str]:
    """24 trials, each worse than the one before, report up to 16 times."""
    decisions = []
    for number in range(24):
        trial = FakeTrial(number)
        scheduler.on_trial_add(None, trial)
        for time in range(1, 17):
            decisions.append(scheduler.on_trial_result(None, trial, {"score": -number, "training_iteration": time}))
    return decisions


def pbt_behaviour(scheduler: Any) -> list[Any]:
    """Decisions on and quantiles of 8 members after each of 2 reports, then 40 explored configurations."""
    rng = np.random.default_rng(0)
    members = [FakeTrial(number, MIXED.sample(rng)) for number in range(8)]
    controller = SimpleNamespace(get_trials=lambda: members, search_alg=None)
    scheduler._checkpoint_or_exploit = lambda *_: None
    seen: list[Any] = []
    for member in members:
        scheduler.on_trial_add(controller, member)
    for time in (1, 2):
        for number, member in enumerate(members):
            result = {"score": number / 10, "training_iteration": time}
            seen.append(scheduler.on_trial_result(controller, member, result))
        seen.append([[trial.trial_id for trial in side] for side in scheduler._quantiles()])
    return seen + [scheduler._get_new_config(members[0], members[k % 8])[0] for k in range(40)]


def test_configuration_is_checked_without_importing_ray() -> None:
    code = (
        "import sys, yaml, pathlib; from tuneoff.algorithms.base import AlgorithmConfig; "
        f"files = pathlib.Path({str(CONF)!r}).iterdir(); "
        "[AlgorithmConfig.from_dict(yaml.safe_load(file.read_text())) for file in files if file.stem != 'pbt_replay']; "
        "heavy = {'ray', 'torch', 'sklearn', 'hyperopt', 'bayes_opt'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
