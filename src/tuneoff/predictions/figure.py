"""The figure of a prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from tuneoff.predictions.real import RealResult
from tuneoff.replay.errors import difference
from tuneoff.replay.predict import Prediction
from tuneoff.replay.runner import Case
from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.figures import _style as style

REFERENCE = "random"
ALONE = 0.15
"""Share of a budget that is shown on both sides of it, where it is the only one."""
APART = 0.012
"""Share of a budget by which searches stand beside one another, so that intervals don't hide each other."""


def draw(prediction: Prediction, stem: Path, real: Sequence[RealResult] = ()) -> list[Path]:
    """Score against budget, and the differences to random search where it was replayed, with 95 % intervals. real: drawn beside
    them, hollow, with the interval of its repeats."""
    lines = _lines(prediction)
    if not lines:
        return []
    metric, shown = prediction.table.metric, Algorithms.of_names(lines)
    with style.figure(height=4.6) as made:
        upper, lower = made.subplots(2, 1, sharex=True)
        for label, cases in lines.items():
            x, y = [case.scenario.budget.amount for case in cases], [case.sample().value for case in cases]
            upper.plot(x, y, color=shown.color(label), marker=shown.marker(label), markersize=3)
        upper.set_title(f"Predicted, not run: {prediction.table.name}")
        style.score_axis(upper, metric, f"predicted test {wording.short_metric(metric)}")
        _differences(lower, prediction, lines, shown)
        budgets = sorted({case.scenario.budget.amount for cases in lines.values() for case in cases})
        if len(budgets) > 2:
            lower.set_xscale("log")
        lower.set_xticks(budgets, labels=[f"{amount:g}" for amount in budgets])
        lower.minorticks_off()
        if len(budgets) == 1:
            lower.set_xlim(budgets[0] * (1 - ALONE), budgets[0] * (1 + ALONE))
        lower.set_xlabel(f"budget, {next(iter(lines.values()))[0].scenario.budget.unit}")
        ends = [(label, cases[-1].sample().value, shown.color(label)) for label, cases in lines.items()]
        unit = next(iter(lines.values()))[0].scenario.budget.unit
        style.end_labels(upper, ends + _real(upper, real, unit))
        return style.save(made, stem)


def _real(axes: Axes, real: Sequence[RealResult], unit: str) -> list[tuple[str, float, str]]:
    """Draws what was run; returns the labels."""
    shown = Algorithms.of_names(dict.fromkeys(one.search for one in real))
    for one in real:
        color, marker = shown.color(one.search), shown.marker(one.search)
        half = None if math.isnan(one.half_width) else one.half_width
        axes.errorbar(
            one.amount(unit),
            one.test,
            yerr=half,
            color=color,
            marker=marker,
            markerfacecolor="none",
            markersize=6,
            elinewidth=0.7,
        )
    last = {one.search: one for one in sorted(real, key=lambda one: one.amount(unit))}
    return [(f"{name}, run: n = {one.repeats}", one.test, shown.color(name)) for name, one in last.items()]


def _differences(axes: Axes, prediction: Prediction, lines: dict[str, list[Case]], shown: Algorithms) -> None:
    name = REFERENCE if REFERENCE in lines else next(iter(lines))
    reference = {case.scenario.budget.amount: case.sample() for case in lines[name]}
    metric, ends = prediction.table.metric, []
    scale = wording.scale_of(metric)
    others = [label for label in lines if label != name]
    for label, cases in lines.items():
        shared = [case for case in cases if case.scenario.budget.amount in reference]
        if label == name or not shared:
            continue
        gaps = [difference(case.sample(), reference[case.scenario.budget.amount], prediction.table) for case in shared]
        axes.errorbar(
            [case.scenario.budget.amount * (1 + APART * (others.index(label) - (len(others) - 1) / 2)) for case in shared],
            [gap.value * scale for gap in gaps],
            yerr=[gap.half_width() * scale for gap in gaps],
            color=shown.color(label),
            marker=shown.marker(label),
            markersize=3,
            elinewidth=0.7,
        )
        ends.append((label, gaps[-1].value * scale, shown.color(label)))
    axes.axhline(0, color=style.INK, linewidth=0.7)
    axes.set_ylabel(f"minus {name}, {'points' if wording.is_share(metric) else metric}")
    style.end_labels(axes, ends)


def _lines(prediction: Prediction) -> dict[str, list[Case]]:
    """By label, in the usual order; budgets of the first one's unit, ascending."""
    found: dict[str, list[Case]] = {}
    units = [verdict.standings[0].case.scenario.budget.unit for verdict in prediction.verdicts]
    for verdict in prediction.verdicts:
        for standing in verdict.standings:
            if standing.case.scenario.budget.unit == units[0]:
                found.setdefault(standing.case.candidate.label, []).append(standing.case)
    ordered = {name: found[name] for name in Algorithms.of_names(found).order(found)}
    return {name: sorted(cases, key=lambda case: case.scenario.budget.amount) for name, cases in ordered.items()}
