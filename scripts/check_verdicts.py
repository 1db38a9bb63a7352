"""python scripts/check_verdicts.py [--studies 4000] [--records 40] [--repeats 3 5 10 20] [--searches 6] [--rows 277 1725]

Do the verdicts keep their promises? Simulated studies with a known truth.

First table: how often the 95 % intervals cover the true difference (asked: 93 to 97 %), and how often a study has a false
verdict, over all its questions (asked: at most 5 % where nothing differs). `--records` of them also go through whole records
and frames, and must come out the same. Truths: nothing differs; every search is 5 points better than the untuned default, else
nothing; one search is also 2 points better. Every repeat has its own luck (split, sd 1 point), shared by all searches, and
every search its own (sd 1.2 points), normal, or skewed (a shifted exponential); scores are whole examples of a test set of
1,000.

Second table: two searches whose truth is that of all rows that a test set could have had. A row has a difficulty, and a search
its own bent for it (none, or sd 0.5 of the difficulty's); predictions are right where difficulty, bent, the run's luck and the
rest's are above 0 together. How often does the interval cover the truth, with the rows' chance and without? And two searches
that are apart by exactly the margin: how often are they called equivalent (asked: at most 5 %)?

Third table: studies that are judged after several numbers of repeats, as `until=decided` does. How often does one have a false
verdict at any of the looks, with the level shared between them and without (asked, shared: at most 5 %)?
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

from tuneoff.evaluation import Cost, Score
from tuneoff.records.schema import Cell, EvaluationRecord, Header, SessionStartRecord
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.frames import build_frames
from tuneoff.report.statistics.crossed import squares_of_difference
from tuneoff.report.statistics.summary import mean_interval
from tuneoff.report.verdicts.findings import find
from tuneoff.report.verdicts.pairwise import RULE, Pair, Rule, Verdict, judge
from tuneoff.report.verdicts.questions import judge_by_question

NAMES = ("default", "random", "grid", "bayesopt", "hyperopt", "random_asha", "pbt_2020", "pbt")
SPLIT_SD, RUN_SD, N_TEST = 0.010, 0.012, 1000
TUNING, GAP = 0.05, 0.02
MIDDLE, LEAD, SPLIT_LATENT, RUN_LATENT, REST_LATENT = 0.8, 0.1, 0.05, 0.06, 0.5
"""Of the second table, in units of the sd of a row's difficulty."""
TRUTHS = {"no difference": (0.0, 0.0), "tuning helps": (TUNING, 0.0), "and one is better": (TUNING, GAP)}
"""By how much every search beats the default, and the last search the others."""
Truth = tuple[float, float]


def algorithms(count: int) -> tuple[str, ...]:
    """The default and others, the last of which is the one that may be better."""
    return (*NAMES[: count - 1], NAMES[-1])


def expected(count: int, truth: Truth) -> np.ndarray:
    """Shape (algorithms,)."""
    tuning, gap = truth
    return np.array([0.70, *[0.70 + tuning] * (count - 2), 0.70 + tuning + gap])


def scores(rng: np.random.Generator, count: int, truth: Truth, repeats: int, skewed: bool) -> np.ndarray:
    """Shape (algorithms, repeats): test accuracies."""
    noise = rng.exponential(1, (count, repeats)) - 1 if skewed else rng.normal(0, 1, (count, repeats))
    made = expected(count, truth)[:, None] + rng.normal(0, SPLIT_SD, repeats)[None, :] + RUN_SD * noise
    return np.asarray(np.round(made * N_TEST) / N_TEST)


def verdicts(table: np.ndarray, rule: Rule = RULE) -> list[Verdict]:
    names = algorithms(len(table))
    pairs = [
        Pair(first=names[i], second=names[j], first_scores=tuple(table[i]), second_scores=tuple(table[j]))
        for i, j in combinations(range(len(names)), 2)
    ]
    return judge_by_question(pairs, "accuracy", pd.DataFrame(table.T, columns=list(names)), Algorithms.of_names(names), rule)


def through_records(table: np.ndarray) -> list[Verdict]:
    """The same scores as cells of one evaluation each, of equal cost."""
    cells = [
        _cell(name, repeat, float(table[i, repeat]))
        for i, name in enumerate(algorithms(len(table)))
        for repeat in range(table.shape[1])
    ]
    block, frames = next(build_frames(cells).blocks())
    return list(find(block, frames).verdicts)


def _cell(algorithm: str, repeat: int, test: float) -> Cell:
    def score(value: float) -> Score:
        return Score(metrics={"accuracy": value}, loss=1.0, n_examples=N_TEST, predicted_counts=(500, 500))

    price = {"name": "p", "per_device_hour_usd": 1.0, "source": "s", "date": "d"}
    header = Header(
        schema_version=1,
        protocol_version="0.1",
        study="s",
        task="t",
        model="m",
        algorithm=algorithm,
        repeat=repeat,
        protocol="heldout",
        metric="accuracy",
        status="finished",
        started_utc="",
        config={},
        config_hash="",
        seeds={},
        space={},
        data={"n_train": 1},
        price=price,
        versions={},
        git={},
        hardware={},
        command="",
    )
    records = (
        SessionStartRecord(session=1, time_utc="", elapsed_seconds=0, devices=1, device_kind="cpu"),
        EvaluationRecord(
            trial_id="t0",
            evaluation=1,
            parent_trial_id=None,
            parent_evaluation=None,
            hparams={},
            examples_seen=1,
            epoch=1.0,
            validation=score(0.7),
            test=score(test),
            cost=Cost(),
            peak_memory_bytes=None,
            elapsed_seconds=60.0,
            worker="w",
        ),
    )
    return Cell(path=Path(algorithm), header=header, records=records)


@dataclass(frozen=True, kw_only=True)
class Rates:
    """covers: of the pairs' intervals. Others: of the studies. won: the best one is shown to beat all other searches."""

    covers: float
    false_verdict: float
    tuning_shown: float
    won: float


def measure(studies: int, count: int, truth: Truth, repeats: int, skewed: bool) -> Rates:
    rng = np.random.default_rng([studies, count, repeats, skewed, *(round(1e4 * t) for t in truth)])
    true, best = dict(zip(algorithms(count), expected(count, truth), strict=True)), algorithms(count)[-1]
    covered, pairs, false, tuned, won = 0, 0, 0, 0, 0
    for _ in range(studies):
        made = verdicts(scores(rng, count, truth, repeats, skewed))
        gaps = [true[v.first] - true[v.second] for v in made]
        covered += sum(v.difference.low - 1e-9 <= gap <= v.difference.high + 1e-9 for v, gap in zip(made, gaps, strict=True))
        pairs += len(made)
        false += any(v.better is not None and gap < 1e-9 for v, gap in zip(made, gaps, strict=True))
        tuned += sum(v.better is not None for v in made if "default" in (v.first, v.second)) == count - 1
        won += sum(v.better == best for v in made if "default" not in (v.first, v.second)) == count - 2
    return Rates(covers=covered / pairs, false_verdict=false / studies, tuning_shown=tuned / studies, won=won / studies)


@dataclass(frozen=True, kw_only=True)
class RowRates:
    """Of studies of two searches: how often the interval covers the truth, with the rows' chance and without; how often two
    that are apart by the margin are called equivalent."""

    crossed: float
    student: float
    equivalent: float


def measure_rows(studies: int, repeats: int, rows: int, bent: float) -> RowRates:
    rng = np.random.default_rng([studies, repeats, rows, round(10 * bent)])
    spread = float(np.sqrt(1 + bent**2 + SPLIT_LATENT**2 + RUN_LATENT**2 + REST_LATENT**2))
    true = float(special.ndtr((MIDDLE + LEAD) / spread) - special.ndtr(MIDDLE / spread))
    covered, student, equivalent = 0, 0, 0
    for _ in range(studies):
        difficulty, split = rng.normal(0, 1, rows), rng.normal(0, SPLIT_LATENT, repeats)
        right = []
        for lead in (LEAD, 0.0):
            run = split + rng.normal(0, RUN_LATENT, repeats)
            latent = MIDDLE + lead + difficulty + rng.normal(0, bent, rows) + run[:, None]
            right.append((latent + rng.normal(0, REST_LATENT, (repeats, rows)) > 0).astype(np.int8))
        scores = [tuple(map(float, made.mean(axis=1))) for made in right]
        pair = Pair(
            first="a",
            second="b",
            first_scores=scores[0],
            second_scores=scores[1],
            squares=squares_of_difference(right[0], right[1]),
        )
        verdict = judge([pair], "accuracy", rule=Rule(margin=true))[0]
        gap = true if verdict.first == "a" else -true
        covered += not verdict.difference.excludes(gap)
        student += not mean_interval(pair.differences).excludes(true)
        equivalent += verdict.equivalent
    return RowRates(crossed=covered / studies, student=student / studies, equivalent=equivalent / studies)


def print_rows(studies: int, repeats: Sequence[int], rows: Sequence[int]) -> None:
    print(
        "\n| test rows | bent of a search for a row | repeats | interval covers | Student's over repeats alone covers | called "
        "equivalent though apart by the margin |"
    )
    print("|---|---|---|---|---|---|")
    for m in rows:
        for bent in (0.0, 0.5):
            for n in repeats:
                made = measure_rows(studies, n, m, bent)
                shown = " | ".join(f"{100 * rate:.1f} %" for rate in (made.crossed, made.student, made.equivalent))
                print(f"| {m} | {bent:g} | {n} | {shown} |", flush=True)


def measure_looks(studies: int, count: int, truth: Truth, looks: Sequence[int], rule: Rule) -> tuple[float, float]:
    """Shares of studies that have a false verdict at any of the looks: one is called better than its equal, or two are called
    equivalent that are apart by the margin or more."""
    rng = np.random.default_rng([studies, count, len(looks), *(round(1e4 * t) for t in truth)])
    true, better, equivalent = dict(zip(algorithms(count), expected(count, truth), strict=True)), 0, 0
    for _ in range(studies):
        table = scores(rng, count, truth, looks[-1], False)
        told = [(v, abs(true[v.first] - true[v.second])) for n in looks for v in verdicts(table[:, :n], rule)]
        better += any(v.better is not None and gap < 1e-9 for v, gap in told)
        equivalent += any(v.equivalent and gap > rule.margin - 1e-9 for v, gap in told)
    return better / studies, equivalent / studies


def print_looks(studies: int, count: int, looks: Sequence[int]) -> None:
    print(
        f"\n| truth | looks | level of a look | false verdict in a study | called equivalent though {100 * GAP:g} points "
        "apart, at a margin of as many |"
    )
    print("|---|---|---|---|---|")
    for name, truth in TRUTHS.items():
        for planned in (1, len(looks)):
            rule = Rule(margin=GAP, looks=planned)
            better, equivalent = measure_looks(studies, count, truth, looks, rule)
            apart = f"{100 * equivalent:.1f} %" if truth[1] else "–"
            print(f"| {name} | {', '.join(map(str, looks))} | {rule.alpha:.3g} | {100 * better:.1f} % | {apart} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--studies", type=int, default=4000)
    parser.add_argument("--records", type=int, default=40)
    parser.add_argument("--repeats", type=int, nargs="+", default=[3, 5, 10, 20])
    parser.add_argument("--searches", type=int, default=6, help=f"with the untuned default, 3 to {len(NAMES)}")
    parser.add_argument("--truths", nargs="+", choices=list(TRUTHS), default=list(TRUTHS))
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[277, 1725], help="test rows of the second table; none: without it"
    )
    parser.add_argument("--looks", type=int, nargs="+", default=[6, 10, 16, 24], help="repeats after which a study is judged")
    options = parser.parse_args()
    began, rng, count = time.monotonic(), np.random.default_rng(1), options.searches
    print(f"{options.studies} studies a row, {count} algorithms, {count * (count - 1) // 2} pairs each")
    print(
        "| truth | noise | repeats | interval covers | false verdict in a study | every search shown to beat the default | "
        "best shown to beat all other searches |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in options.truths:
        for skewed in (False, True):
            for repeats in options.repeats:
                made = measure(options.studies, count, TRUTHS[name], repeats, skewed)
                tuned, won = (f"{100 * made.tuning_shown:.1f} %", f"{100 * made.won:.1f} %")
                print(
                    f"| {name} | {'skewed' if skewed else 'normal'} | {repeats} | {100 * made.covers:.1f} % | "
                    f"{100 * made.false_verdict:.1f} % | {tuned if TRUTHS[name][0] else '–'} | "
                    f"{won if TRUTHS[name][1] else '–'} |",
                    flush=True,
                )
    for k in range(options.records):
        table = scores(rng, count, list(TRUTHS.values())[k % 3], max(options.repeats), False)
        told = {(v.first, v.second): v.better for v in verdicts(table)}
        same = {(v.first, v.second): v.better for v in through_records(table)}
        assert told == same, (told, same)
    print_rows(options.studies, options.repeats, options.rows)
    print_looks(options.studies, count, options.looks)
    print(f"\n{options.records} of them through whole records: the same verdicts. {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
