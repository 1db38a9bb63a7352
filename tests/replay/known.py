"""Small tables and worlds with curves by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import SearchContext
from tuneoff.algorithms.search import build
from tuneoff.replay.simulate import Setting, simulate
from tuneoff.replay.table import RecordedTrial, Table
from tuneoff.replay.world import Curve, Replay
from tuneoff.space import Choice, Float, SearchSpace

LINE = SearchSpace({"x": Float(low=0.0, high=1.0)})
PLANE = SearchSpace({"x": Float(low=0.0, high=1.0), "size": Choice(values=(16, 32))})
ASHA = {"name": "asha", "reduction_factor": 2}
NONE = {"name": "none"}


def algorithm(searcher="random", scheduler=NONE, trials=4, **knobs):
    parts = {"searcher": {"name": searcher, **knobs}, "scheduler": dict(scheduler)}
    return AlgorithmConfig.from_dict({"name": "by_hand", "trials": trials, **parts})


def hand_curve(validation, seconds=1.0, test=None, **other):
    n = len(validation)
    each = [seconds] * n if isinstance(seconds, int | float) else list(seconds)
    given = {"evaluate_seconds": [0.0] * n, "test_seconds": [0.0] * n, "row": 0, **other}
    return Curve(validation=validation, test=test or [v - 0.1 for v in validation], train_seconds=each, **given)


class HandReplay(Replay):
    """The n-th trial has the n-th curve."""

    def __init__(self, curves, space=LINE):
        self.curves, self.space = curves, space

    def curve(self, number, point):
        return self.curves[number]


def run(
    curves, *, slots=2, trials=None, scheduler=NONE, searcher="random", per_epoch=1, length=None, seed=0, space=LINE, **setting
):
    """(outcome, events) of a search over the given curves."""
    events = []
    length = length or max(len(curve.validation) for curve in curves)
    config = algorithm(searcher, scheduler, trials or len(curves))
    epochs = length // per_epoch
    context = SearchContext(
        space=space, seed=seed, slots=slots, max_epochs=epochs, defaults={"x": 0.5}, evaluations_per_epoch=per_epoch
    )
    outcome = simulate(
        build(config, context),
        HandReplay(curves, space),
        Setting(slots=slots, evaluations_per_epoch=per_epoch, **setting),
        length_of=lambda _: length,
        listen=lambda *event: events.append(event),
    )
    return outcome, events


def peak(x, size=16):
    """Test score of a smooth world without luck, after three epochs."""
    final = 0.8 - 0.5 * (x - 0.6) ** 2 + (0.02 if size == 32 else 0.0)
    return np.array([0.5 + (final - 0.5) * share for share in (0.5, 0.8, 1.0)])


def smooth_table(n, seed=0, *, luck=0.02, space=PLANE, repeated=0, splits=1):
    """n random trials of `peak`; repeated: so many more repeat one of the first ones."""
    rng = np.random.default_rng(seed)
    points = [space.sample(rng) for _ in range(n)]
    points += [points[i % max(1, repeated // 2)] for i in range(repeated)]
    trials = []
    for i, point in enumerate(points):
        level = peak(**point) + luck * rng.standard_normal()
        validation, test = (level + luck / 2 * rng.standard_normal(3) for _ in range(2))
        seconds = 2.0 if point.get("size") == 16 else 1.0
        trials.append(
            RecordedTrial(
                point=point,
                split=str(i % splits),
                validation=tuple(validation.tolist()),
                test=tuple(test.tolist()),
                train_seconds=(seconds,) * 3,
                evaluate_seconds=(0.1,) * 3,
                test_seconds=(0.2,) * 3,
            )
        )
    return Table(
        name="smooth",
        source="by hand",
        metric="accuracy",
        space=space,
        trials=tuple(trials),
        evaluations_per_epoch=1,
        max_epochs=3,
        drawn_at_random=True,
        defaults={"x": 0.5, "size": 16},
        test_rows=1000,
        recorded_device_seconds=600.0,
    )


def without_seconds(table):
    unknown = (math.nan,) * 3
    trials = tuple(replace(t, train_seconds=unknown, evaluate_seconds=unknown, test_seconds=unknown) for t in table.trials)
    return replace(table, trials=trials)
