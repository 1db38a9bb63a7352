"""Errors of an algorithm's configuration: each names the setting, its value, the rule and the remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from tests.algorithms.search_driver import MIXED, algorithm, context, search
from tuneoff import plugins
from tuneoff.algorithms import scheduler_names, searcher_names
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import History, Point, Searcher
from tuneoff.algorithms.model_searcher import default_initial_points
from tuneoff.algorithms.settings import AlgorithmError
from tuneoff.errors import UserError
from tuneoff.space import Float, SearchSpace


def test_searchers_and_schedulers_are_found_by_file_name() -> None:
    assert set(searcher_names()) >= {"default", "gp", "grid", "random", "tpe"}
    assert set(scheduler_names()) >= {"asha", "none", "pbt"}
    assert not [name for name in searcher_names() if name.startswith("_")]


def test_an_algorithm_error_is_a_user_error() -> None:
    assert issubclass(AlgorithmError, UserError)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"searcher": {"name": "gpp"}}, r"algorithm.searcher.name is 'gpp'.*did you mean 'gp'.*choose one of default, gp"),
        ({"scheduler": {"name": "ahsa"}}, r"no such scheduler \(did you mean 'asha'\?\); choose one of asha, none, pbt"),
        ({"searcher": {"name": "tpe", "gama": 1}}, r"algorithm.searcher.gama does not exist \(did you mean 'gamma'"),
        ({"searcher": {"name": "random", "gamma": 1}}, r"algorithm.searcher.gamma does not exist; it has no settings"),
        ({"searcher": "gp"}, r"must be a mapping with a name"),
        ({"trails": 3}, r"algorithm.trails does not exist \(did you mean 'trials'"),
        ({"trials": None}, r"algorithm.trials is null, but it must be a whole number >= 1.*algorithm.trials=16"),
        ({"trials": 0}, r"algorithm.trials is 0, but it must be >= 1"),
        ({"trials": 2.5}, r"algorithm.trials is 2.5, but it must be a whole number"),
        ({"trials": "8"}, r"algorithm.trials is '8', but it must be a whole number"),
        ({"scheduler": None}, r"algorithm.scheduler is null, but it must be given"),
        (
            {"scheduler": {"name": "asha", "reduction_factor": 1}},
            r"algorithm.scheduler.reduction_factor is 1.0, but it "
            r"must be >= 2",
        ),
        ({"scheduler": {"name": "asha", "brackets": True}}, r"algorithm.scheduler.brackets is True.*a whole number"),
        ({"scheduler": {"name": "asha", "grace_epochs": None}}, r"grace_epochs is null.*leave the setting out"),
        ({"scheduler": {"name": "asha", "grace_epochs": 3, "max_epochs": 2}}, r"max_epochs is 2.0.*>= grace_epochs \(3\)"),
        ({"scheduler": {"name": "pbt", "quantile_fraction": 0.6}}, r"quantile_fraction is 0.6.*at most 0.5"),
        ({"scheduler": {"name": "pbt", "mutated": "learning_rate"}}, r"mutated is 'learning_rate'.*a list"),
        ({"scheduler": {"name": "pbt", "mutated": ["num_epochs"]}}, r"length can't change while it trains"),
        ({"scheduler": {"name": "pbt", "perturbation_factors": []}}, r"perturbation_factors is \[\].*at least one"),
        ({"scheduler": {"name": "pbt", "clip": "no"}}, r"clip is 'no'.*true or false"),
        ({"searcher": {"name": "gp", "acquisition": "pi"}}, r"acquisition is 'pi'.*one of ei, ucb"),
        ({"searcher": {"name": "gp", "xi": float("nan")}}, r"xi is nan.*a number"),
        ({"searcher": {"name": "gp", "initial_points": 0}}, r"initial_points is 0.*>= 1, or null"),
        ({"searcher": {"name": "grid", "points": 0}}, r"points is 0.*>= 1"),
    ],
)
def test_a_setting_that_breaks_a_rule_is_refused(changes: dict[str, Any], message: str) -> None:
    values = {"name": "x", "trials": 8, "searcher": {"name": "random"}, "scheduler": {"name": "none"}}
    with pytest.raises(UserError, match=message):
        AlgorithmConfig.from_dict({**values, **changes})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: search("gp", trials=4, searcher_knobs={"initial_points": 4}), r"initial_points is 4.*below algorithm"),
        (lambda: search("random", "pbt", trials=1), r"algorithm.trials is 1.*size of the population"),
        (lambda: search("random", "pbt", scheduler_knobs={"mutated": ["learning_rates"]}), r"did you mean 'learning_rate'"),
        (
            lambda: search("random", "pbt", where=context(space=SearchSpace({"adam_beta1": Float(low=0.8, high=0.9)}))),
            r"mutated names nothing that the space has: list some of adam_beta1",
        ),
        (lambda: search("random", "asha", scheduler_knobs={"brackets": 3}), r"brackets is 3.*at most the 2 rungs"),
        (lambda: search("random", "asha", scheduler_knobs={"grace_epochs": 6}), r"grace_epochs is 6.0.*at most the 5 epochs"),
        (lambda: search("random", "asha", scheduler_knobs={"grace_epochs": 0.5}), r"a whole number of evaluations"),
        (lambda: search("grid", searcher_knobs={"points": 40}), r"more than 10000 points: lower it"),
        (lambda: search("default", where=context(defaults={})), r"learning_rate.* has no default value"),
    ],
)
def test_a_setting_that_does_not_fit_the_search_is_refused(make: Any, message: str) -> None:
    with pytest.raises(AlgorithmError, match=message):
        make()


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("scheduler", {"name": "asha", "reduction_factor": 2, "brackets": 1, "grace_epochs": 2, "max_epochs": 2}),
        ("scheduler", {"name": "pbt", "quantile_fraction": 0.5, "resample_probability": 0}),
        ("scheduler", {"name": "pbt", "resample_probability": 1, "perturbation_factors": [1e-9]}),
        (
            "searcher",
            {"name": "gp", "initial_points": 1, "xi": 0, "kappa": 0, "noise": 1e-9, "acquisition": "ucb", "lie": "mean"},
        ),
        ("searcher", {"name": "tpe", "initial_points": 1, "gamma": 1, "candidates": 1, "prior_weight": 1e-9}),
        ("searcher", {"name": "grid", "points": 1}),
    ],
)
def test_a_setting_at_its_limit_is_taken(part: str, values: dict[str, Any]) -> None:
    given = {"name": "x", "trials": 1, "searcher": {"name": "random"}, "scheduler": {"name": "none"}, part: values}
    settings = getattr(AlgorithmConfig.from_dict(given), part).settings
    for name in set(values) - {"name"}:
        kept = getattr(settings, name)
        assert (list(kept) if isinstance(kept, tuple) else kept) == values[name]


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("scheduler", {"name": "asha", "grace_epochs": 0}),
        ("scheduler", {"name": "asha", "reduction_factor": 1.99}),
        ("scheduler", {"name": "asha", "brackets": 0}),
        ("scheduler", {"name": "pbt", "perturbation_interval_epochs": 0}),
        ("scheduler", {"name": "pbt", "quantile_fraction": 0}),
        ("scheduler", {"name": "pbt", "quantile_fraction": 0.51}),
        ("scheduler", {"name": "pbt", "resample_probability": -0.01}),
        ("scheduler", {"name": "pbt", "resample_probability": 1.01}),
        ("scheduler", {"name": "pbt", "perturbation_factors": [1.2, 0]}),
        ("scheduler", {"name": "pbt", "resume": "trainer_2019"}),
        ("searcher", {"name": "gp", "xi": -0.01}),
        ("searcher", {"name": "gp", "kappa": -0.01}),
        ("searcher", {"name": "gp", "noise": 0}),
        ("searcher", {"name": "gp", "lie": "median"}),
        ("searcher", {"name": "tpe", "gamma": 0}),
        ("searcher", {"name": "tpe", "gamma": 1.01}),
        ("searcher", {"name": "tpe", "candidates": 0}),
        ("searcher", {"name": "tpe", "prior_weight": 0}),
        ("searcher", {"name": "tpe", "initial_points": 0}),
    ],
)
def test_a_setting_beyond_its_limit_is_refused_by_name(part: str, values: dict[str, Any]) -> None:
    given = {"name": "x", "trials": 8, "searcher": {"name": "random"}, "scheduler": {"name": "none"}, part: values}
    with pytest.raises(UserError, match=f"{part}.{list(values)[1]} is"):
        AlgorithmConfig.from_dict(given)


@pytest.mark.parametrize(
    ("part", "name", "defaults"),
    [
        ("scheduler", "asha", {"grace_epochs": 1.0, "reduction_factor": 4.0, "brackets": 1, "max_epochs": None}),
        (
            "scheduler",
            "pbt",
            {
                "perturbation_interval_epochs": 1.0,
                "quantile_fraction": 0.25,
                "resample_probability": 0.25,
                "perturbation_factors": (1.2, 0.8),
                "mutated": None,
                "synchronous": False,
                "clip": True,
                "resume": "examples",
            },
        ),
        (
            "searcher",
            "gp",
            {"initial_points": None, "acquisition": "ei", "xi": 0.01, "kappa": 2.576, "noise": 0.01, "lie": "max"},
        ),
        ("searcher", "tpe", {"initial_points": None, "gamma": 0.25, "candidates": 24, "prior_weight": 1.0}),
    ],
)
def test_the_knobs_of_an_algorithm_have_their_published_defaults(part: str, name: str, defaults: dict[str, Any]) -> None:
    """Those of Ray (asha, pbt), bayesian-optimization (gp) and hyperopt (tpe)."""
    given = {"name": "x", "trials": 8, "searcher": {"name": "random"}, "scheduler": {"name": "none"}, part: {"name": name}}
    assert asdict(getattr(AlgorithmConfig.from_dict(given), part).settings) == defaults


@pytest.mark.parametrize(
    ("hyperparameters", "trials", "points"), [(1, 20, 4), (3, 20, 4), (4, 20, 5), (6, 20, 7), (6, 8, 4), (3, 5, 2), (1, 1, 1)]
)
def test_the_random_points_before_a_model_are_one_more_than_hyperparameters(
    hyperparameters: int, trials: int, points: int
) -> None:
    space = SearchSpace({f"h{i}": Float(low=0.0, high=1.0) for i in range(hyperparameters)})
    assert default_initial_points(space, trials) == points


def test_a_whole_number_may_be_given_as_a_float_and_a_list_as_a_tuple() -> None:
    config = algorithm(
        "gp", "pbt", searcher_knobs={"xi": 0, "initial_points": 3.0}, scheduler_knobs={"perturbation_factors": [2, 0.5]}
    )
    assert config.searcher.settings.xi == 0.0
    assert config.searcher.settings.initial_points == 3
    assert config.scheduler.settings.perturbation_factors == (2.0, 0.5)


def test_bayesian_with_and_without_early_stopping_are_one_setting_apart() -> None:
    with_asha, without = search("gp", "asha"), search("gp", "none")
    assert type(with_asha.searcher) is type(without.searcher)
    assert (with_asha.stops_early, without.stops_early) == (True, False)
    assert (with_asha.whole_trials, without.whole_trials) == (False, True)


def test_only_a_population_is_alive_all_at_once() -> None:
    population, asha = search("gp", "pbt", trials=6), search("gp", "asha", trials=6)
    assert (population.population, asha.population) == (True, False)
    assert sum(population.ask(f"t{n}") is not None for n in range(6)) == 6
    assert sum(asha.ask(f"t{n}") is not None for n in range(6)) == context().slots


def test_how_a_member_goes_on_from_a_copy_reaches_the_search() -> None:
    assert search("random", "pbt", trials=4).resume == "examples"
    assert search("random", "pbt", trials=4, scheduler_knobs={"resume": "trainer_2020"}).resume == "trainer_2020"


def test_a_searcher_registered_by_a_module_is_found_and_one_that_derives_from_nothing_is_refused(monkeypatch: Any) -> None:
    monkeypatch.setitem(plugins._registered, "searcher", {})

    @plugins.register("searcher", "middle")
    class Middle(Searcher):
        @classmethod
        def build(cls, settings: Any, context: Any, trials: int | None) -> Middle:
            return cls(trials or 1)

        def propose(self, history: History, rng: np.random.Generator) -> Point | None:
            return MIXED.sample(rng) if len(history.tried) < self.num_trials else None

    plugins.register("searcher", "nothing")(dict)
    assert "middle" in searcher_names()
    assert algorithm("middle").searcher.kind is Middle
    with pytest.raises(AlgorithmError, match=r"'nothing'.*derived from tuneoff\.algorithms\.contracts\.Searcher"):
        algorithm("nothing")
