"""Decisions equal those of Ray's own successive halving, and those recorded of the population that stood on Ray's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ray.tune.schedulers import ASHAScheduler

from tests.algorithms.search_driver import context
from tuneoff.algorithms.contracts import Copy, Report, Stop
from tuneoff.algorithms.schedulers.asha import Asha, percentile
from tuneoff.algorithms.schedulers.asha import Settings as AshaSettings
from tuneoff.algorithms.schedulers.pbt import PopulationBasedTraining
from tuneoff.algorithms.schedulers.pbt import Settings as PbtSettings

TRACES = Path(__file__).with_name("population_traces.json")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.sampled_from([2, 2.5, 3, 4, 7]))
def test_the_cutoff_is_numpys_percentile_bit_for_bit(values: list[float], factor: float) -> None:
    assert percentile(values, 1 - 1 / factor) == np.nanpercentile(values, (1 - 1 / factor) * 100)


@pytest.mark.parametrize("factor", [2, 2.5, 3, 4])
@pytest.mark.parametrize("brackets", [1, 2])
@pytest.mark.parametrize("grace", [1, 2])
def test_decisions_of_successive_halving_equal_rays(factor: float, brackets: int, grace: int) -> None:
    stopped = sum(_compare_with_ray(factor, brackets, grace, seed) for seed in range(40))
    assert stopped > 40


def _compare_with_ray(factor: float, brackets: int, grace: int, seed: int) -> int:
    """12 trials of up to 12 evaluations, reporting in a random order; returns how many were stopped before their end."""
    rng = np.random.default_rng([seed, brackets, grace])
    longest = int(rng.integers(9, 13))
    ours = Asha.build(
        AshaSettings(grace_epochs=grace, reduction_factor=factor, brackets=brackets),
        context(max_epochs=longest, seed=seed),
        num_trials=12,
    )
    ray = ASHAScheduler(
        metric="score",
        mode="max",
        time_attr="training_iteration",
        max_t=longest,
        grace_period=grace,
        reduction_factor=factor,
        brackets=brackets,
    )
    trials = {f"t{n:03d}": SimpleNamespace(trial_id=f"t{n:03d}") for n in range(12)}
    length = {name: int(rng.integers(2, 13)) for name in trials}
    for name in trials:
        ours.add(name, {})
        ray._trial_info[name] = ray._brackets[ours.bracket(name)]  # drawn from numpy's global generator in Ray
    running, clock, stopped = dict(trials), dict.fromkeys(trials, 0), 0
    while running:
        name = str(rng.choice(list(running)))
        clock[name] += 1
        score = round(float(rng.random()) + clock[name] / 10, 2)  # rounded: ties must be judged alike
        result = {"score": score, "training_iteration": clock[name]}
        done = clock[name] >= length[name]
        decision = ours.report(Report(trial_id=name, clock=clock[name], score=score, hparams={}, done=done))
        if not done:
            action = ray.on_trial_result(None, trials[name], result)
            assert isinstance(decision, Stop) == (action == "STOP"), (seed, name, clock[name])
            stopped += isinstance(decision, Stop) and clock[name] < longest
        if done or isinstance(decision, Stop):
            ray.on_trial_complete(None, trials[name], result)
            ours.end(name)
            del running[name]
    return stopped


CASES: list[dict[str, Any]] = json.loads(TRACES.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['seed']}-{case['size']}")
def test_a_population_decides_as_recorded(case: dict[str, Any]) -> None:
    knobs = {key: tuple(value) if isinstance(value, list) else value for key, value in case["knobs"].items()}
    where = context(seed=case["seed"], max_epochs=case["epochs"], evaluations_per_epoch=case["per_epoch"])
    population = PopulationBasedTraining.build(PbtSettings(**knobs), where, num_trials=case["size"])
    hparams: dict[str, Any] = dict(case["points"])
    released: dict[str, list[Any]] = {}
    copies = 0
    for kind, *event in case["events"]:
        if kind == "released":
            assert released == {name: [donor, point] for name, donor, point in event[0]}
        elif kind == "add":
            population.add(event[0], hparams[event[0]])
        elif kind == "report":
            name, clock, score, _, *copied = event
            value = math.nan if score is None else score
            decision = population.report(Report(trial_id=name, clock=clock, score=value, hparams=hparams[name]))
            assert ([decision.donor, decision.hparams] if isinstance(decision, Copy) else None) == (
                copied[0] if copied else None
            )
            if isinstance(decision, Copy):
                hparams[name] = decision.hparams
                copies += 1
        else:
            population.end(event[0])
        if kind == "released":
            released = {}
            continue
        assert not released, "the round was compared too early"
        released = {n: [d.donor, d.hparams] for n, d in population.release().items() if isinstance(d, Copy)}
        hparams |= {name: point for name, (_, point) in released.items()}
        copies += len(released)
    assert copies > 0
