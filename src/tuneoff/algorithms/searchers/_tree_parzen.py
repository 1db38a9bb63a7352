"""The model behind `tpe`: hyperopt's estimator, given the history afresh for every proposal."""

from __future__ import annotations

import math
from typing import Any

import hyperopt
from hyperopt import hp, tpe
from hyperopt.base import JOB_STATE_DONE, JOB_STATE_NEW, STATUS_OK

from tuneoff.algorithms.contracts import History, Point
from tuneoff.algorithms.searchers.tpe import Settings
from tuneoff.space import Choice, Domain, Float, SearchSpace, Value


class TreeParzenModel:
    """Running trials count among the bad ones, without a score (hyperopt's own rule), which keeps parallel proposals apart."""

    def __init__(self, space: SearchSpace, settings: Settings) -> None:
        self.space, self.settings = space, settings

    def suggest(self, history: History, seed: int) -> Point:
        domain = hyperopt.Domain(lambda values: values, {name: _prior(name, d) for name, d in self.space.domains.items()})
        trials = hyperopt.Trials()
        documents = [self._document(i, point, score) for i, (point, score) in enumerate(history.observed)]
        documents += [self._document(len(documents) + i, point, None) for i, point in enumerate(history.pending)]
        trials.insert_trial_docs(documents)
        trials.refresh()
        proposal = tpe.suggest(
            [len(documents)],
            domain,
            trials,
            seed,
            prior_weight=self.settings.prior_weight,
            n_startup_jobs=0,
            n_EI_candidates=self.settings.candidates,
            gamma=self.settings.gamma,
            verbose=False,
        )
        labels = proposal[0]["misc"]["vals"]
        return {name: _from_label(d, labels[name][0]) for name, d in self.space.domains.items()}

    def _document(self, number: int, point: Point, score: float | None) -> dict[str, Any]:
        labels = {name: [_to_label(domain, point[name])] for name, domain in self.space.domains.items()}
        misc = {"tid": number, "cmd": None, "workdir": None, "vals": labels, "idxs": {name: [number] for name in labels}}
        result = {"status": hyperopt.STATUS_NEW} if score is None else {"status": STATUS_OK, "loss": -score}
        return {
            "tid": number,
            "spec": None,
            "result": result,
            "misc": misc,
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
            "state": JOB_STATE_NEW if score is None else JOB_STATE_DONE,
        }


def _prior(name: str, domain: Domain) -> Any:
    """Whole numbers and positions of ordered choices are quantised over half a unit more at both ends, so that the
    ends get their full share; the caller clips."""
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


def _to_label(domain: Domain, value: Value) -> Any:
    """The form in which hyperopt keeps a value: a choice's position, else the value itself."""
    return domain.values.index(value) if isinstance(domain, Choice) else value


def _from_label(domain: Domain, label: Any) -> Value:
    if isinstance(domain, Choice):
        return domain.values[min(max(round(float(label)), 0), len(domain.values) - 1)]
    return domain.clip(float(label))
