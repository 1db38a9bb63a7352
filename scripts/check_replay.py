"""Are the intervals of a replay as wide as they must be? Tables drawn from a known world, replayed, and compared with the
truth.

python scripts/check_replay.py [--tables 40] [--out results/replay-coverage]

The world is smooth and known: learning rate, weight decay and batch size, three epochs, luck that the epochs of a trial share,
validation and test rows of their own. The truth is each search's mean test score over many replays in that world. Each table of
24, 48 or 96 random trials is fitted and replayed as `python -m benchmarks.replay` does, and its 95 % intervals of the searches'
means and of their differences either hold the truth or do not. Tables that are done are kept: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import numpy as np

from tuneoff.algorithms.contracts import Point
from tuneoff.budget import Budget
from tuneoff.price import load_price
from tuneoff.replay.candidates import candidates_of
from tuneoff.replay.curves import in_virtual_time
from tuneoff.replay.errors import difference, mean_of
from tuneoff.replay.plan import SEEDS_A_WORLD, Replayed, Scenario, replay_once
from tuneoff.replay.runner import Case
from tuneoff.replay.surrogate import Surrogate
from tuneoff.replay.table import RecordedTrial, Table
from tuneoff.replay.world import Curve, Replay, World
from tuneoff.space import Choice, Float, SearchSpace

SPACE = SearchSpace(
    {
        "learning_rate": Float(low=3e-5, high=3e-3, log=True),
        "weight_decay": Float(low=0.0, high=0.3),
        "batch_size": Choice(values=(16, 32, 64)),
    }
)
DEFAULTS = {"learning_rate": 5e-5, "weight_decay": 0.01, "batch_size": 32}
SIZES = (24, 48, 96)
SEARCHES = "random,random_asha,grid"
SCENARIO = Scenario(budget=Budget(unit="epochs", amount=24.0), slots=2, devices=2, price=load_price("cpu"))
EPOCHS, SHARED, VALIDATION, TEST = 3, 0.02, 0.015, 0.008
"""Sds of a trial's luck: shared by all its scores, of each validation score, of each test score."""
TRUTH_REPLAYS, WORLDS, REPLAYS = 3000, 16, 20


def scores(point: Point) -> np.ndarray:
    """Without luck, after each epoch."""
    units = [domain.to_unit(point[name]) for name, domain in SPACE.domains.items()]
    final = 0.82 - 0.6 * (units[0] - 0.72 + 0.12 * (units[2] - 0.5)) ** 2 - 0.03 * (units[1] - 0.4) ** 2
    return np.array([0.5 + (final - 0.5) * (0.25 + 0.5 * units[0]), 0.5 + (final - 0.5) * (0.6 + 0.3 * units[0]), final])


def curve(point: Point, rng: np.random.Generator) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Validation and test with luck."""
    level = scores(point) + SHARED * rng.standard_normal()
    validation, test = (level + sd * rng.standard_normal(EPOCHS) for sd in (VALIDATION, TEST))
    return tuple(validation.tolist()), tuple(test.tolist())


def seconds(point: Point) -> tuple[float, ...]:
    return (2.0 - 0.4 * SPACE.domains["batch_size"].to_unit(point["batch_size"]),) * EPOCHS


def draw_table(size: int, seed: int) -> Table:
    rng = np.random.default_rng([seed, size])
    trials = []
    for _ in range(size):
        point = SPACE.sample(rng)
        validation, test = curve(point, rng)
        spent, scored = seconds(point), (0.05,) * EPOCHS
        trials.append(
            RecordedTrial(
                point=point,
                split="0",
                validation=validation,
                test=test,
                train_seconds=spent,
                evaluate_seconds=scored,
                test_seconds=scored,
            )
        )
    return Table(
        name=f"known world, {size} trials",
        source="a known world",
        metric="accuracy",
        space=SPACE,
        trials=tuple(trials),
        evaluations_per_epoch=1,
        max_epochs=EPOCHS,
        drawn_at_random=True,
        defaults=DEFAULTS,
    )


class Truth(World):
    """The known world itself."""

    posterior = True

    def __init__(self) -> None:
        self.table = in_virtual_time(draw_table(24, 0))

    def replay(self, seed: int) -> Replay:
        return TruthReplay(seed)

    def redrawn(self, seed: int) -> World:  # noqa: ARG002
        return self


class TruthReplay(Replay):
    def __init__(self, seed: int) -> None:
        self._seed, self.space = seed, SPACE

    def curve(self, number: int, point: Point) -> Curve:
        validation, test = curve(point, np.random.default_rng([self._seed, 6, number]))
        scored = (0.05,) * EPOCHS
        return Curve(
            validation=validation, test=test, train_seconds=seconds(point), evaluate_seconds=scored, test_seconds=scored, row=0
        )


def truth() -> dict[str, list[float]]:
    """Test scores of each search's replays, replay by replay the same luck."""
    world = Truth()
    return {
        one.label: [replay_once(one.algorithm, SCENARIO, world, seed).test for seed in range(TRUTH_REPLAYS)]
        for one in candidates_of(SEARCHES)
    }


def predict(table: Table) -> dict[str, Case]:
    base = Surrogate(table)
    draws: dict[str, list[tuple[Replayed, ...]]] = {}
    candidates = candidates_of(SEARCHES)
    for number in range(1, WORLDS + 1):
        world = base.redrawn(number)
        for one in candidates:
            seeds = range(number * SEEDS_A_WORLD, number * SEEDS_A_WORLD + REPLAYS)
            draws.setdefault(one.label, []).append(tuple(replay_once(one.algorithm, SCENARIO, world, seed) for seed in seeds))
    return {one.label: Case(candidate=one, scenario=SCENARIO, whole=(), draws=tuple(draws[one.label])) for one in candidates}


def judge(table: Table, known: dict[str, list[float]], seed: int) -> dict[str, object]:
    """A line of the record: for each mean and difference the truth, the estimate and its errors."""
    samples = {label: case.sample() for label, case in predict(table).items()}
    found: dict[str, object] = {"size": len(table.trials), "seed": seed}
    for label, sample in samples.items():
        found[label] = _line(mean_of(sample, table), float(np.mean(known[label])))
        if label != "random":
            true = float(np.mean(known[label]) - np.mean(known["random"]))
            found[f"{label} - random"] = _line(difference(sample, samples["random"], table), true)
    return found


def _line(estimate, true):  # type: ignore[no-untyped-def]
    low, high = estimate.interval()
    names = ("value", "replay_se", "table_se", "rows_se", "repeat_sd")
    return {"true": true, "low": low, "high": high, **{name: getattr(estimate, name) for name in names}}


def summary(lines: list[dict[str, object]], known: dict[str, list[float]]) -> dict[str, object]:
    """By size: how often the intervals hold the truth, their mean half width, the estimates' bias and spread."""
    found: dict[str, object] = {
        "tables": len(lines),
        "worlds": WORLDS,
        "replays": REPLAYS,
        "truth": {name: {"mean": float(np.mean(v)), "sd": float(np.std(v, ddof=1))} for name, v in known.items()},
        "truth_replays": TRUTH_REPLAYS,
    }
    for size in SIZES:
        members = [line for line in lines if line["size"] == size]
        if not members:
            continue
        found[str(size)] = {
            what: {
                "n": len(members),
                "coverage": float(np.mean([line[what]["low"] <= line[what]["true"] <= line[what]["high"] for line in members])),
                "half_width": float(np.mean([(line[what]["high"] - line[what]["low"]) / 2 for line in members])),
                "bias": float(np.mean([line[what]["value"] - line[what]["true"] for line in members])),
                "sd": float(np.std([line[what]["value"] for line in members], ddof=1)) if len(members) > 1 else math.nan,
                "repeat_sd": float(np.mean([line[what]["repeat_sd"] for line in members])),
            }
            for what in members[0]
            if what not in ("size", "seed")
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=40, help="of each size")
    parser.add_argument("--out", type=Path, default=Path("results/replay-coverage"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    record, result, truths = options.out / "tables.jsonl", options.out / "coverage.json", options.out / "truth.json"
    if not truths.exists():
        truths.write_text(json.dumps(truth()), encoding="utf-8")
    known = json.loads(truths.read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()] if record.exists() else []
    done = {(line["size"], line["seed"]) for line in lines}
    with record.open("a", encoding="utf-8") as file:
        for seed in range(1, options.tables + 1):
            for size in SIZES:
                if (size, seed) in done:
                    continue
                lines.append(judge(draw_table(size, seed), known, seed))
                file.write(json.dumps(lines[-1]) + "\n")
                file.flush()
                result.write_text(json.dumps(summary(lines, known), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(summary(lines, known), indent=1))


if __name__ == "__main__":
    main()
