"""Our way through hyperopt's functions proposes what hyperopt's own does, bit for bit."""

from __future__ import annotations

import math

import hyperopt
import numpy as np
import pytest
from hyperopt import hp, tpe
from hyperopt.base import JOB_STATE_DONE, JOB_STATE_NEW, STATUS_OK

from tuneoff.algorithms.contracts import History
from tuneoff.algorithms.searchers._tree_parzen import TreeParzenModel, _from_label, _to_label
from tuneoff.algorithms.searchers.tpe import Settings
from tuneoff.space import Choice, Float, Int, SearchSpace

FLOAT, LOG = Float(low=0.0, high=0.3), Float(low=1e-5, high=1e-2, log=True)
SPACES = {
    "numbers": SearchSpace({"weight_decay": FLOAT, "learning_rate": LOG, "another": FLOAT}),
    "whole numbers": SearchSpace({"layers": Int(low=1, high=9), "width": Int(low=1, high=64, log=True)}),
    "choices": SearchSpace({"size": Choice(values=(16, 32, 64)), "kind": Choice(values=("a", "b", "c"))}),
    "one": SearchSpace({"kind": Choice(values=("a", "b"))}),
    "all": SearchSpace(
        {
            "learning_rate": LOG,
            "size": Choice(values=(16, 32, 64)),
            "kind": Choice(values=("a", "b", "c")),
            "layers": Int(low=1, high=9),
            "Width": Int(low=1, high=64, log=True),
            "weight_decay": FLOAT,
        }
    ),
}


def by_hyperopt(space, settings, history, seed):
    domain = hyperopt.Domain(lambda values: values, {name: prior(name, d) for name, d in space.domains.items()})
    trials = hyperopt.Trials()
    documents = [document(space, i, point, score) for i, (point, score) in enumerate(history.observed)]
    documents += [document(space, len(documents) + i, point, None) for i, point in enumerate(history.pending)]
    trials.insert_trial_docs(documents)
    trials.refresh()
    knobs = {"prior_weight": settings.prior_weight, "n_EI_candidates": settings.candidates, "gamma": settings.gamma}
    proposal = tpe.suggest([len(documents)], domain, trials, seed, n_startup_jobs=0, verbose=False, **knobs)
    labels = proposal[0]["misc"]["vals"]
    return {name: _from_label(d, labels[name][0]) for name, d in space.domains.items()}


def prior(name, domain):
    if isinstance(domain, Float):
        if domain.log:
            return hp.loguniform(name, math.log(domain.low), math.log(domain.high))
        return hp.uniform(name, domain.low, domain.high)
    if isinstance(domain, Choice):
        if not domain.ordered:
            return hp.choice(name, list(domain.values))
        return hp.quniform(name, -0.5, len(domain.values) - 0.5, 1)
    if domain.log:
        return hp.qloguniform(name, math.log(domain.low - 0.5), math.log(domain.high + 0.5), 1)
    return hp.quniform(name, domain.low - 0.5, domain.high + 0.5, 1)


def document(space, number, point, score):
    labels = {name: [_to_label(domain, point[name])] for name, domain in space.domains.items()}
    misc = {"tid": number, "cmd": None, "workdir": None, "vals": labels, "idxs": {name: [number] for name in labels}}
    result = {"status": hyperopt.STATUS_NEW} if score is None else {"status": STATUS_OK, "loss": -score}
    state = JOB_STATE_NEW if score is None else JOB_STATE_DONE
    empty = dict.fromkeys(("spec", "exp_key", "owner", "book_time", "refresh_time"))
    return {**empty, "tid": number, "result": result, "misc": misc, "version": 0, "state": state}


@pytest.mark.parametrize("name", SPACES)
def test_proposals_are_those_of_hyperopt(name):
    space, settings = SPACES[name], Settings()
    model = TreeParzenModel(space, settings)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        observed = tuple((space.sample(rng), round(float(rng.random()), 1)) for _ in range(int(rng.integers(1, 45))))
        history = History(pending=tuple(space.sample(rng) for _ in range(int(rng.integers(0, 4)))), observed=observed)
        assert model.suggest(history, seed) == by_hyperopt(space, settings, history, seed)


def test_knobs_are_passed_on_as_to_hyperopt():
    space, settings = SPACES["all"], Settings(gamma=0.8, candidates=7, prior_weight=0.3)
    rng = np.random.default_rng(0)
    history = History(observed=tuple((space.sample(rng), float(rng.random())) for _ in range(30)))
    assert TreeParzenModel(space, settings).suggest(history, 5) == by_hyperopt(space, settings, history, 5)
