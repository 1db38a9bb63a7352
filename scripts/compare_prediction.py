"""Predicted beside measured: python scripts/compare_prediction.py STUDY/replay/predicted.csv STUDY [--budget epochs:24]

For each search that was both predicted by a replay and really run: the predicted mean with its 95 % interval, the mean of the
real repeats, whether it lies in the interval, and in the interval of a mean of so many repeats (which adds the predicted spread
of single searches). Then each pair that the real repeats separate (Wilcoxon signed ranks, Holm over the pairs) and whether the
prediction has it in that order. Prints Markdown.
"""

from __future__ import annotations

import argparse
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from tuneoff.report.frames import load_frames
from tuneoff.report.statistics.comparison import holm, wilcoxon

LEVEL = 0.05
Z = 1.96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predicted", type=Path)
    parser.add_argument("study", type=Path)
    parser.add_argument("--budget", default="epochs:24")
    given = parser.parse_args()
    predicted = pd.read_csv(given.predicted)
    predicted = predicted[predicted["budget"] == given.budget].set_index("search")
    cells = load_frames(given.study).finished().cells
    real = {str(name): rows.set_index("repeat")["test"].sort_index() for name, rows in cells.groupby("algorithm")}
    both = [name for name in predicted.index if name in real]
    print(means(predicted, {name: real[name] for name in both}))
    print()
    print(pairs(predicted, {name: real[name] for name in both}))


def means(predicted: pd.DataFrame, real: dict[str, pd.Series]) -> str:
    """A row a search."""
    lines = [
        "| search | predicted [95 %] | measured (n) | measured - predicted | in it | in that of a mean of n |",
        "|---|---|---|---|---|---|",
    ]
    inside = wide = 0
    for name, scores in real.items():
        row, mean, n = predicted.loc[name], float(scores.mean()), len(scores)
        half = math.hypot((row["high"] - row["low"]) / 2, Z * row["repeat_sd"] / math.sqrt(n))
        held, held_wide = row["low"] <= mean <= row["high"], abs(mean - row["test"]) <= half
        inside, wide = inside + bool(held), wide + bool(held_wide)
        lines.append(
            f"| {name} | {100 * row['test']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}] | {100 * mean:.1f} ({n}) "
            f"| {100 * (mean - row['test']):+.1f} | {'yes' if held else 'no'} | {'yes' if held_wide else 'no'} |"
        )
    return "\n".join(
        [*lines, "", f"Inside: {inside} of {len(real)}; with the spread of a mean of n repeats: {wide} of {len(real)}."]
    )


def pairs(predicted: pd.DataFrame, real: dict[str, pd.Series]) -> str:
    """A row a pair that the real repeats separate."""
    compared = []
    for a, b in combinations(real, 2):
        common = real[a].index.intersection(real[b].index)
        differences = (real[a].loc[common] - real[b].loc[common]).to_numpy()
        compared.append((a, b, differences))
    corrected = holm([wilcoxon(d) for _, _, d in compared])
    lines = ["| separated by the real repeats | measured | p (Holm) | predicted | same order |", "|---|---|---|---|---|"]
    separated = right = 0
    for (a, b, differences), p in zip(compared, corrected, strict=True):
        if p > LEVEL:
            continue
        gap = float(predicted.loc[a, "test"] - predicted.loc[b, "test"])
        same = np.sign(gap) == np.sign(differences.mean())
        separated, right = separated + 1, right + bool(same)
        lines.append(
            f"| {a} - {b} | {100 * differences.mean():+.1f} | {p:.3f} | {100 * gap:+.1f} | {'yes' if same else 'no'} |"
        )
    return "\n".join([*lines, "", f"{right} of {separated} separated pairs in the predicted order, of {len(compared)} pairs."])


if __name__ == "__main__":
    main()
