"""Every algorithm of conf/algorithm, and every knob of every searcher and scheduler: rules that all must keep."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import tuneoff
from tests.algorithms.search_driver import MIXED, context, proposals, search
from tuneoff.algorithms import scheduler_names, searcher_names
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.conformance import CHECKS, COUNTABLE, read
from tuneoff.algorithms.discovery import find_scheduler, find_searcher
from tuneoff.algorithms.rehearsal import rehearse
from tuneoff.algorithms.search import build
from tuneoff.space import Int, SearchSpace

ROOT = Path(__file__).parents[2]
CONF = Path(tuneoff.__file__).parent / "conf" / "algorithm"
FILES = sorted(path for path in CONF.glob("*.yaml") if path.stem != "pbt_replay")
"""Without the replay, which searches nothing: it is tested end to end, on a recorded search."""
DETERMINISTIC = ("default",)

LONG = SearchSpace({**MIXED.domains, "num_epochs": Int(low=16, high=18)})

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
    ("record", "repeated"): ({}, 0.5),
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


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_algorithm_keeps_the_rules(file: Path, check: Callable[[AlgorithmConfig], None]) -> None:
    check(read(file))


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


def test_another_seed_gives_other_proposals(file: Path) -> None:
    config = read(file)
    first, second = (proposals(build(config, context(seed=seed)), rounds=3) for seed in (1, 2))
    assert (first == second) == (config.searcher.name in DETERMINISTIC)


def test_a_model_or_a_grid_tries_all_of_a_small_countable_space_once(file: Path) -> None:
    config = read(file, trials=14)
    points = proposals(build(config, context(space=COUNTABLE)))
    if config.searcher.name in ("grid", "gp", "tpe"):
        assert len(points) == COUNTABLE.size() == len({tuple(point.values()) for point in points})
    else:
        assert len(points) == 14


def test_every_knob_is_in_the_tables_of_this_file() -> None:
    searching = {(name, field.name) for name in searcher_names() for field in fields(find_searcher(name).knobs)}
    scheduling = {(name, field.name) for name in scheduler_names() for field in fields(find_scheduler(name).knobs)}
    assert searching == {*SEARCHER_KNOBS, ("replay", "source")}
    assert scheduling == {*SCHEDULER_KNOBS, ("pbt", "resume")}, "the latter: test_algorithm_config.py"


@cache
def proposals_of(searcher: str, **knobs: Any) -> list[Any]:
    return proposals(search(searcher, trials=6, searcher_knobs=knobs), slots=3)


@pytest.mark.parametrize(("name", "knob"), SEARCHER_KNOBS, ids=map("-".join, SEARCHER_KNOBS))
def test_every_searcher_knob_changes_what_is_proposed(name: str, knob: str) -> None:
    others, value = SEARCHER_KNOBS[name, knob]
    others = {"initial_points": 3, **others} if name in ("gp", "tpe") else others
    assert proposals_of(name, **{**others, knob: value}) != proposals_of(name, **others)


@pytest.mark.parametrize(("name", "knob"), SCHEDULER_KNOBS, ids=map("-".join, SCHEDULER_KNOBS))
def test_every_scheduler_knob_changes_what_it_decides(name: str, knob: str) -> None:
    """24 trials of 16 to 18 evaluations, whose scores rise and like what can be mutated beyond its bounds."""

    def events(**knobs: Any) -> object:
        made = search("random", name, trials=24, scheduler_knobs=knobs, where=context(max_epochs=8, space=LONG))
        return rehearse(made, score=lambda point, clock: clock / 100 + float(point["weight_decay"]))

    assert events(**{knob: SCHEDULER_KNOBS[name, knob]}) != events()


def test_configuration_is_checked_without_importing_ray() -> None:
    code = (
        "import sys, yaml, pathlib; from tuneoff.algorithms.configuration import AlgorithmConfig; "
        f"files = pathlib.Path({str(CONF)!r}).iterdir(); "
        "[AlgorithmConfig.from_dict(yaml.safe_load(file.read_text())) for file in files if file.stem != 'pbt_replay']; "
        "heavy = {'ray', 'torch', 'sklearn', 'hyperopt', 'bayes_opt'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_thousand_searches_are_told_in_seconds() -> None:
    """A study of what a search would have done on recorded curves is of that size."""
    made = [search("random", "asha", trials=24, where=context(seed=seed)) for seed in range(300)]
    began = time.process_time()
    for one in made:
        rehearse(one, score=lambda point, clock: clock / 100 - float(point["weight_decay"]))
    assert time.process_time() - began < 3.0
