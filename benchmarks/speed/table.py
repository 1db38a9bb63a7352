"""Medians, ratios with their spread, agreement of accuracies, and the Markdown table. Pure: reads the runs' figures only."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

RESOURCES = (
    ("in the output folder, MB", "folder_bytes", 1e-6, ".2f"),
    ("written to storage, MB", "written_bytes", 1e-6, ".1f"),
    ("peak RSS of the largest process, MB", "peak_rss_bytes", 1e-6, ".0f"),
    ("peak private memory, all processes, MB", "peak_private_bytes", 1e-6, ".0f"),
)
ROWS = (
    ("device-seconds a trial", "device_seconds_per_trial", 1.0, ".1f"),
    ("slots x wall / trials, s", "held_device_seconds_per_trial", 1.0, ".1f"),
    ("wall time of the search, s", "wall_seconds", 1.0, ".1f"),
    ("start to first step, s", "first_step_seconds", 1.0, ".1f"),
    ("start to first evaluation, s", "first_evaluation_seconds", 1.0, ".1f"),
    ("steps/s in training", "steps_per_second", 1.0, ".2f"),
    ("real tokens/s in training", "real_tokens_per_second", 1.0, ".0f"),
    ("share of bf16 peak, training, %", "peak_share_training", 100.0, ".1f"),
    ("share of bf16 peak, whole trial, %", "peak_share_trial", 100.0, ".1f"),
    ("not training, % of a trial", "not_training_share", 100.0, ".1f"),
    *RESOURCES,
    ("mean accuracy, %", "mean_accuracy", 100.0, ".1f"),
)
Rows: TypeAlias = Sequence[tuple[str, str, float, str]]
"""(label, figure, factor to the label's unit, format)."""
RATIOS = ("device_seconds_per_trial", "held_device_seconds_per_trial", "wall_seconds", "first_step_seconds")


def summarise(
    runs: Sequence[Mapping[str, Any]], tolerance: float, rows: Rows = ROWS, compared: Sequence[str] = RATIOS
) -> dict[str, Any]:
    """medians: by arm and figure. ratios: of each other arm to ours, repeat by repeat. accuracy: do the means agree?"""
    arms = list(dict.fromkeys(run["arm"] for run in runs))
    medians = {
        arm: {name: statistics.median(r[name] for r in runs if r["arm"] == arm) for _, name, _, _ in rows} for arm in arms
    }
    ratios = (
        {arm: {name: ratio(runs, arm, "ours", name) for name in compared} for arm in arms if arm != "ours"}
        if "ours" in arms
        else {}
    )
    means = {arm: statistics.fmean(r["mean_accuracy"] for r in runs if r["arm"] == arm) for arm in arms}
    spread = max(means.values()) - min(means.values())
    return {
        "medians": medians,
        "ratios": ratios,
        "accuracy": {"means": means, "largest_difference": spread, "tolerance": tolerance, "agree": spread <= tolerance},
    }


def ratio(runs: Sequence[Mapping[str, Any]], arm: str, base: str, figure: str) -> dict[str, float]:
    """The median, least and largest of arm / base over the repeats that have both."""
    by = {(run["arm"], run["repeat"]): run[figure] for run in runs}
    values = [value / by[base, repeat] for (name, repeat), value in by.items() if name == arm and (base, repeat) in by]
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def markdown(runs: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], rows: Rows = ROWS) -> str:
    """Medians with the range over repeats in brackets; then how many times as much the other arms take."""
    arms = list(summary["medians"])
    lines = ["| median (range) | " + " | ".join(arms) + " |", "|---|" + "---|" * len(arms)]
    for label, name, factor, form in rows:
        cells = []
        for arm in arms:
            values = [run[name] * factor for run in runs if run["arm"] == arm]
            spread = f" ({min(values):{form}}-{max(values):{form}})" if len(values) > 1 else ""
            cells.append(f"{statistics.median(values):{form}}{spread}")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    labels = {name: label for label, name, _, _ in rows}
    for arm, ratios in summary["ratios"].items():
        lines += ["", f"{arm} / ours:"]
        lines += [f"- {labels[name]}: {r['median']:.2f} ({r['low']:.2f}-{r['high']:.2f})" for name, r in ratios.items()]
    if len(arms) == 1:
        return "\n".join(lines) + "\n"
    agreement = summary["accuracy"]
    verdict = "agree" if agreement["agree"] else "do NOT agree"
    lines += [
        "",
        f"Mean accuracies {verdict}: the largest difference between arms is "
        f"{100 * agreement['largest_difference']:.1f} points, the tolerance {100 * agreement['tolerance']:.1f}.",
    ]
    return "\n".join(lines) + "\n"
