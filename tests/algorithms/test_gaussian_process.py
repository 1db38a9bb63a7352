"""Our Gaussian process proposes what bayesian-optimization and scikit-learn propose, bit for bit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from bayes_opt import BayesianOptimization, acquisition
from bayes_opt.parameter import BayesParameter, CategoricalParameter
from hypothesis import given
from hypothesis import strategies as st

from tuneoff.algorithms.contracts import History, Point
from tuneoff.algorithms.model_searcher import untried
from tuneoff.algorithms.searchers import _lbfgs
from tuneoff.algorithms.searchers._gaussian_process import GaussianProcessModel
from tuneoff.algorithms.searchers._unit_cube import UnitCube
from tuneoff.algorithms.searchers.gp import Settings
from tuneoff.space import Choice, Domain, Float, Int, SearchSpace

RATE = Float(low=3e-5, high=3e-3, log=True)
SPACES = {
    "built in": SearchSpace(
        {"learning_rate": RATE, "weight_decay": Float(low=0.0, high=0.3), "batch_size": Choice(values=(16, 32, 64))}
    ),
    "one": SearchSpace({"learning_rate": RATE}),
    "mixed": SearchSpace(
        {
            "learning_rate": RATE,
            "layers": Int(low=1, high=6),
            "width": Int(low=8, high=512, log=True),
            "kind": Choice(values=("a", "b", None)),
            "fixed": Choice(values=("x",)),
        }
    ),
    "countable": SearchSpace(
        {"batch_size": Choice(values=(8, 16, 32)), "layers": Int(low=1, high=12), "kind": Choice(values=("a", "b"))}
    ),
}


class Unit(BayesParameter):
    is_continuous = True
    dim = 1

    def __init__(self, name: str, domain: Domain) -> None:
        super().__init__(name, np.array([0.0, 1.0]))
        self.domain = domain

    def to_float(self, value: Any) -> float:
        return self.domain.to_unit(value)

    def to_param(self, value: Any) -> Any:
        return self.domain.from_unit(float(np.squeeze(value)))

    def kernel_transform(self, value: Any) -> Any:
        if isinstance(self.domain, Float):
            return value
        return np.array([self.domain.to_unit(self.domain.from_unit(float(unit))) for unit in value.ravel()]).reshape(
            value.shape
        )


class Text(CategoricalParameter):
    is_continuous = True


def by_bayes_opt(space: SearchSpace, settings: Settings, history: History, seed: int) -> Point:
    free = {
        name: domain for name, domain in space.domains.items() if not (isinstance(domain, Choice) and len(domain.values) == 1)
    }
    is_text = {name: isinstance(domain, Choice) and not domain.ordered for name, domain in free.items()}
    bounds = {name: Text(name, list(d.values)) if is_text[name] else Unit(name, d) for name, d in free.items()}
    criterion = (
        acquisition.ExpectedImprovement(xi=settings.xi)
        if settings.acquisition == "ei"
        else acquisition.UpperConfidenceBound(kappa=settings.kappa)
    )
    lie = getattr(np, settings.lie)([score for _, score in history.observed])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = BayesianOptimization(
            None, bounds, acquisition_function=criterion, random_state=np.random.RandomState(seed), verbose=0
        )
        made.set_gp_params(alpha=settings.noise)
        for point, score in [*((point, lie) for point in history.pending), *history.observed]:
            made.space.register({name: point[name] for name in free}, score)
        if space.size() is not None and space.size() <= 10_000:
            points = untried(space, history)
            mean, sd = made.predict([{name: point[name] for name in free} for point in points], return_std=True)
            criterion.y_max = made.space.target.max()
            return points[int(np.argmax(criterion.base_acq(mean, sd)))]
        found = made.suggest()
    return {name: found[name] if name in found else domain.values[0] for name, domain in space.domains.items()}


def history_of(space: SearchSpace, trials: int, scores: str, seed: int, pending: int = 2) -> History:
    rng = np.random.default_rng([seed, 8])
    points: dict[tuple[Any, ...], Point] = {}
    while len(points) < trials:
        point = space.sample(rng)
        points[tuple(point.values())] = point
    tried = tuple(points.values())
    target = np.linspace(0.3, 0.8, len(space.domains))
    observed = []
    for point in tried[: len(tried) - pending]:
        units = np.array([domain.to_unit(point[name]) for name, domain in space.domains.items()])
        score = float(0.8 - 0.5 * np.square(units - target).sum() + 0.02 * rng.standard_normal())
        score = {"smooth": score, "collapsed": score if score > 0.6 else 0.33, "flat": 0.5, "rounded": round(score * 50) / 50}[
            scores
        ]
        observed.append((point, score))
    return History(tried=tried, pending=tried[len(tried) - pending :], observed=tuple(observed))


@pytest.mark.parametrize(
    ("space", "trials", "scores", "knobs"),
    [
        ("built in", 24, "smooth", {}),
        ("built in", 24, "collapsed", {"acquisition": "ucb"}),
        ("built in", 6, "rounded", {"xi": 0.0, "lie": "mean"}),
        ("built in", 3, "flat", {}),
        ("one", 24, "rounded", {"noise": 1e-6}),
        ("mixed", 24, "smooth", {"lie": "min"}),
        ("mixed", 24, "collapsed", {"acquisition": "ucb", "kappa": 0.5}),
        ("countable", 24, "smooth", {}),
        ("countable", 12, "rounded", {"acquisition": "ucb"}),
    ],
)
def test_proposals_are_those_of_bayesian_optimization(space: str, trials: int, scores: str, knobs: dict[str, Any]) -> None:
    searched, settings = SPACES[space], Settings(**knobs)
    for seed in (1, 2):
        history = history_of(searched, trials, scores, seed)
        ours = GaussianProcessModel(searched, settings).suggest(history, seed)
        assert ours == by_bayes_opt(searched, settings, history, seed)


@pytest.mark.parametrize("points", [10_000, 10_001])
def test_a_space_of_up_to_ten_thousand_points_is_searched_by_listing_them(points: int) -> None:
    space = SearchSpace({"layers": Int(low=1, high=points)})
    history = history_of(space, 6, "smooth", 1)
    assert GaussianProcessModel(space, Settings()).suggest(history, 1) == by_bayes_opt(space, Settings(), history, 1)


def test_a_lie_never_overwrites_an_observed_score_and_repeats_are_averaged() -> None:
    one, two, three = ({"learning_rate": rate} for rate in (1e-5, 1e-4, 1e-3))
    observed = ((one, 0.9), (two, 0.5), (two, 0.45), (two, 0.7))
    history = History(tried=(one, two, two, two, one, three), pending=(one, three), observed=observed)
    for lie, score in (("max", 0.9), ("min", 0.55), ("mean", 0.725)):
        made = GaussianProcessModel(SPACES["one"], Settings(lie=lie))._with_lies(history)
        assert made == pytest.approx({(1e-5,): 0.9, (1e-4,): 0.55, (1e-3,): score})


def test_a_scipy_with_another_interface_is_called_by_its_public_function_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _lbfgs._routine() is not None, "the version that the tests run with is known"
    history = history_of(SPACES["mixed"], 16, "smooth", 3)
    direct = GaussianProcessModel(SPACES["mixed"], Settings()).suggest(history, 3)
    monkeypatch.setattr(_lbfgs, "KNOWN", "setulb(something, else)")
    assert _lbfgs._routine() is None
    assert GaussianProcessModel(SPACES["mixed"], Settings()).suggest(history, 3) == direct


def test_two_points_that_are_the_same_but_for_rounding_are_no_error() -> None:
    """log and exp of a learning rate do not give it back exactly."""
    near = {"learning_rate": 1e-4}, {"learning_rate": float(np.nextafter(1e-4, 1))}
    history = History(tried=near, observed=((near[0], 0.5), (near[1], 0.6)))
    assert SPACES["one"].contains(GaussianProcessModel(SPACES["one"], Settings()).suggest(history, 1))


@pytest.mark.filterwarnings("error")
def test_a_known_point_that_is_drawn_again_is_no_warning_without_noise() -> None:
    """There the process has no standard deviation left to divide by."""
    space = SearchSpace({"layers": Int(low=1, high=10_001)})
    history = history_of(space, 12, "smooth", 1)
    assert space.contains(GaussianProcessModel(space, Settings(noise=1e-17)).suggest(history, 1))


DOMAINS = (Int(low=1, high=6), Int(low=-3, high=40), Int(low=1, high=500, log=True), Choice(values=(16, 32, 64)), RATE)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_rows_are_snapped_to_what_would_be_trained(units: list[float]) -> None:
    for domain in DOMAINS:
        snapped = UnitCube([domain]).snap(np.array(units)[:, np.newaxis])[:, 0]
        wanted = [unit if isinstance(domain, Float) else domain.to_unit(domain.from_unit(unit)) for unit in units]
        assert snapped.tolist() == wanted


@given(st.integers(0, 2**31))
def test_a_point_is_what_its_row_says(seed: int) -> None:
    space = SPACES["mixed"]
    cube, point = UnitCube(list(space.domains.values())[1:4]), tuple(space.sample(np.random.default_rng(seed)).values())[1:4]
    assert cube.values(cube.row(point)) == point
    assert np.array_equal(cube.snap(cube.row(point)[np.newaxis])[0], cube.row(point))
