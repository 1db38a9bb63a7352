"""The study of results/replay-opda: every search on two recorded tables of real fine-tuning.

python scripts/replay_opda.py FOLDER [--out results/replay-opda] [--runs cheap gp tpe tpe-large]

FOLDER: of deberta-base_tuning.results.jsonl and deberta-v3-base_tuning.results.jsonl (github.com/nicholaslourie/opda). Makes
the replays that are missing, then for each table and run what `python -m benchmarks.replay` leaves, and over all of them
numbers.csv, numbers.md and against-random.{svg,png}, in which runs that --runs leaves out stay as they are. Model-based
searches cost more, so they get fewer replays; each run has random search and ASHA of its own, replayed with the same luck, to
compare with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from tuneoff.commands.replay import run
from tuneoff.commands.replay_request import read
from tuneoff.replay.errors import difference, mean_of
from tuneoff.replay.predict import Prediction
from tuneoff.replay.runner import Case
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.figures import _style as style

TABLES = ("deberta-v3-base", "deberta-base")
GRACE = "scheduler.grace_epochs=0.25"
BASE = f"random,asha4=random_asha:{GRACE}"
CHEAP = (
    f"random,asha2=random_asha:{GRACE}:scheduler.reduction_factor=2,asha3=random_asha:{GRACE}:scheduler.reduction_factor=3,"
    f"asha4=random_asha:{GRACE},grid,grid_asha4=grid:scheduler.name=asha:{GRACE}"
)
TPE = f"{BASE},tpe=hyperopt:scheduler.name=none,tpe_asha4=hyperopt:{GRACE}"
GP = f"{BASE},gp=bayesopt:scheduler.name=none,gp_asha4=bayesopt:{GRACE}"
FEW = ("worlds=4", "replays=10", "whole=50")
RUNS: dict[str, tuple[str, tuple[int, ...], tuple[str, ...]]] = {
    "cheap": (CHEAP, (4, 8, 20, 40, 80, 160, 320), ("worlds=7", "replays=20", "whole=250")),
    "gp": (GP, (4, 8, 20, 40, 80), FEW),
    "tpe": (TPE, (4, 8, 20, 40, 80), FEW),
    "tpe-large": ("random,tpe=hyperopt:scheduler.name=none", (160, 320), FEW),
}
SHOWN = 0.45
"""Points of the figure's axis; wider intervals go beyond it."""
STOPPED = {"asha4": "random", "grid_asha4": "grid", "tpe_asha4": "tpe", "gp_asha4": "gp"}
"""With early stopping, and the same search without."""


def predict(folder: Path, table: str, name: str, out: Path) -> Prediction:
    algorithms, budgets, effort = RUNS[name]
    given = [
        f"table={folder / table}_tuning.results.jsonl",
        "format=opda",
        "slots=4",
        "what_if=false",
        "as_far=false",
        "margin=0.1",
        "processes=1",
        f"algorithms={algorithms}",
        f"budgets={','.join(f'epochs:{budget}' for budget in budgets)}",
        f"out={out / table / name}",
        *effort,
    ]
    return run(read(given))


def lines(table: str, name: str, prediction: Prediction) -> Iterator[dict[str, object]]:
    """A line a search and budget: its score, its difference to random search, and to itself without early stopping."""
    for verdict in prediction.verdicts:
        cases = {standing.case.candidate.label: standing.case for standing in verdict.standings}
        for label, case in cases.items():
            score = mean_of(case.sample(), prediction.table)
            line: dict[str, object] = {
                "table": table,
                "run": name,
                "budget_epochs": case.scenario.budget.amount,
                "whole_trials_worth": case.scenario.budget.amount / prediction.table.max_epochs,
                "search": label,
                "replays": len(case.whole),
                "trials": case.mean("trials"),
                "distance": case.mean("distance"),
                "test": score.value,
                "replay_se": score.replay_se,
                "table_se": score.table_se,
                "rows_se": score.rows_se,
            }
            yield {
                **line,
                **compared("minus_random", case, cases.get("random"), prediction),
                **compared("minus_unstopped", case, cases.get(STOPPED.get(label, "")), prediction),
            }


def compared(name: str, case: Case, other: Case | None, prediction: Prediction) -> dict[str, float]:
    if other is None or other is case:
        return {}
    gap = difference(case.sample(), other.sample(), prediction.table)
    low, high = gap.interval()
    errors = {f"{name}_{part}_se": getattr(gap, f"{part}_se") for part in ("replay", "table", "rows")}
    return {name: gap.value, f"{name}_low": low, f"{name}_high": high, **errors}


def markdown(numbers: pd.DataFrame) -> str:
    """For each table the scores, then the differences to random search and those that early stopping makes, in points."""
    parts = []
    for table in TABLES:
        own = numbers[numbers["table"] == table]
        if own.empty:
            continue
        first = own.drop_duplicates(["search", "budget_epochs"])
        worth = sorted(first["whole_trials_worth"].unique())
        heads = [f"{one:g}" for one in worth]
        rule = "|---|" + "---:|" * len(worth)
        parts += [
            f"### {table}",
            f"Mean test accuracy, %, by budget in whole trials ({own['budget_epochs'].min():g} epochs each).",
        ]
        rows = [f"| search | {' | '.join(heads)} |", rule]
        for search in dict.fromkeys(first["search"]):
            rows.append(f"| {search} | {' | '.join(_cells(first, search, worth, 'test'))} |")
        parts.append("\n".join(rows))
        compared_with = {
            "minus_random": "random search with the same luck",
            "minus_unstopped": "the same search without early stopping",
        }
        for name, words in compared_with.items():
            searches = [one for one in dict.fromkeys(own["search"]) if own[own["search"] == one][name].notna().any()]
            rows = [f"| search | {' | '.join(heads)} |", rule]
            rows += [f"| {one} | {' | '.join(_cells(own, one, worth, name))} |" for one in searches]
            parts += [f"Minus {words}, points, with 95 % intervals:", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _cells(numbers: pd.DataFrame, search: str, worth: list[float], name: str) -> Iterator[str]:
    for one in worth:
        found = numbers[(numbers["search"] == search) & (numbers["whole_trials_worth"] == one)].dropna(subset=[name])
        if found.empty:
            yield ""
            continue
        line = found.iloc[0]
        value = float(line[name]) * 100
        interval = f" [{line[f'{name}_low'] * 100:.2f}, {line[f'{name}_high'] * 100:.2f}]" if f"{name}_low" in line else ""
        yield f"{value:+.2f}{interval}" if interval else f"{value:.2f}"


def draw(numbers: pd.DataFrame, stem: Path) -> None:
    """What each search is predicted to gain on random search, by budget, a panel a table; 95 % intervals."""
    tables = [table for table in TABLES if (numbers["table"] == table).any()]
    searches = [one for one in dict.fromkeys(numbers["search"]) if one != "random"]
    shown = Algorithms.of_names(dict.fromkeys(searches))
    with style.figure(width=7.2, height=2.7 * len(tables)) as made:
        for axes, table in zip(made.subplots(len(tables), 1, sharex=True, squeeze=False)[:, 0], tables, strict=True):
            ends = []
            for place, search in enumerate(searches):
                own = numbers[(numbers["table"] == table) & (numbers["search"] == search)].dropna(subset=["minus_random"])
                own = (
                    own[own["whole_trials_worth"] >= 5]
                    .sort_values("whole_trials_worth", kind="stable")
                    .drop_duplicates("whole_trials_worth")
                )
                if own.empty:
                    continue
                gap, low, high = (own[f"minus_random{end}"] * 100 for end in ("", "_low", "_high"))
                axes.errorbar(
                    own["whole_trials_worth"]
                    * 1.025 ** (place - (len(searches) - 1) / 2),  # so that intervals stand side by side
                    gap,
                    yerr=[gap - low, high - gap],
                    color=shown.color(search),
                    marker=shown.marker(search),
                    markersize=3,
                    elinewidth=0.5,
                )
                ends.append((search, float(gap.iloc[-1]), shown.color(search)))
            axes.axhline(0, color=style.INK, linewidth=0.7)
            axes.set_ylim(-SHOWN, SHOWN)
            axes.set_title(f"Predicted, not run: {table} on MultiNLI")
            axes.set_ylabel("minus random, points")
            axes.set_xscale("log")
            axes.set_xticks([5, 10, 20, 40, 80], labels=["5", "10", "20", "40", "80"])
            axes.minorticks_off()
            style.end_labels(axes, ends)
        axes.set_xlabel("budget, whole trials of 4 epochs")
        style.save(made, stem)


def others(file: Path, runs: Sequence[str]) -> pd.DataFrame:
    """The lines of earlier runs that are not made now."""
    known = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=["run"])
    return known[~known["run"].isin(runs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("results/replay-opda"))
    parser.add_argument("--runs", nargs="+", choices=tuple(RUNS), default=tuple(RUNS))
    options = parser.parse_args()
    found = [
        line
        for name in options.runs
        for table in TABLES
        for line in lines(table, name, predict(options.folder, table, name, options.out))
    ]
    numbers = pd.concat([others(options.out / "numbers.csv", options.runs), pd.DataFrame(found)], ignore_index=True)
    numbers.to_csv(options.out / "numbers.csv", index=False, float_format="%.6g")
    (options.out / "numbers.md").write_text(markdown(numbers), encoding="utf-8")
    draw(numbers, options.out / "against-random")


if __name__ == "__main__":
    main()
