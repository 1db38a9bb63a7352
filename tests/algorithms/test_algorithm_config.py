"""Errors of an algorithm's configuration: each names the setting, its value, the rule and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.algorithms.search_driver import MIXED, algorithm, context, search
from tuneoff import plugins
from tuneoff.algorithms import scheduler_names, searcher_names
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import History, Point, Searcher
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
