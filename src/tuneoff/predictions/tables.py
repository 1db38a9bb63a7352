"""The tables of a prediction, to read and to compute with."""

from __future__ import annotations

import math

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.replay.as_far import AsFar
from tuneoff.replay.errors import Estimate, difference
from tuneoff.replay.predict import Prediction
from tuneoff.replay.table import Table as Recorded
from tuneoff.replay.verdict import Standing, Verdict
from tuneoff.report import wording
from tuneoff.report.tables._table import Table


def standings_table(verdict: Verdict, metric: str) -> Table:
    timed = any(standing.dollars for standing in verdict.standings)
    columns: tuple[str, ...] = (
        "Search",
        f"Predicted test {wording.short_metric(metric)}",
        "Minus the best",
        "Errors: replays, table, rows",
    )
    columns += ("Epochs", "Device-min", "$", "Verdict") if timed else ("Epochs", "Verdict")
    rows = []
    for standing in verdict.standings:
        case = standing.case
        cost: tuple[str, ...] = (f"{case.mean('epochs'):.3g}",)
        if timed:
            cost += (f"{standing.device_seconds / 60:.3g}", format_dollars(standing.dollars))
        gap = standing.gap
        errors = gap or standing.score
        rows.append(
            (
                case.candidate.label + (" ≈" if case.mean("distance") > 0 else ""),
                score_text(standing.score, metric),
                "" if gap is None else gap_text(gap, metric),
                ", ".join(wording.fine(value, metric) for value in (errors.replay_se, errors.table_se, errors.rows_se)),
                *cost,
                standing.status,
            )
        )
    approximate = [s.case for s in verdict.standings if s.case.mean("distance") > 0]
    notes = tuple(
        f"≈ {case.candidate.label}: the trial in place of a proposed point is {case.mean('distance'):.2f} of the unit cube away"
        for case in approximate
    )
    return Table(
        title=f"Predicted at {verdict.budget}",
        caption="",
        columns=columns,
        rows=tuple(rows),
        numbers=pd.DataFrame(),
        notes=notes,
    )


def score_text(estimate: Estimate, metric: str) -> str:
    value, half = estimate.value, estimate.half_width()
    return f"{wording.number(value, metric)} ± {wording.number(half, metric, beside=[value])}{wording.unit_of(metric)}"


def gap_text(estimate: Estimate, metric: str) -> str:
    values = (estimate.value, *estimate.interval())
    _, low, high = (wording.fine(x, metric, beside=values) for x in values)
    return f"{wording.fine(estimate.value, metric, '+', values)} [{low}, {high}]"


def what_if_table(prediction: Prediction) -> Table:
    frame, metric = what_if_frame(prediction), prediction.table.metric
    timed = prediction.table.timed
    columns: tuple[str, ...] = ("Change", "Search", f"Predicted test {wording.short_metric(metric)}", "Minus unchanged")
    columns += ("Wall min", "Device-min", "$") if timed else ("Epochs",)
    rows = []
    for one in frame.to_dict("records"):
        cost = (
            (f"{one['wall_seconds'] / 60:.3g}", f"{one['device_seconds'] / 60:.3g}", format_dollars(float(one["dollars"])))
            if timed
            else (f"{one['epochs']:.3g}",)
        )
        rows.append(
            (
                str(one["change"]),
                str(one["search"]),
                wording.fine(one["test"], metric) + wording.unit_of(metric),
                ""
                if math.isnan(one["minus_unchanged"])
                else f"{wording.fine(one['minus_unchanged'], metric, '+')} ± {wording.fine(one['half_width'], metric)}",
                *cost,
            )
        )
    return Table(title="Predicted changes", caption="", columns=columns, rows=tuple(rows), numbers=frame, notes=())


def as_far_table(graded: AsFar, table: Recorded) -> Table:
    rows = []
    for one in graded.searches:
        cost: tuple[str, ...] = (quartiles(one.epochs, 1.0),)
        if table.timed:
            price = one.case.scenario.price
            dollars = "more" if math.isinf(one.device_seconds[1]) else format_dollars(price.dollars(one.device_seconds[1]))
            cost += (quartiles(one.device_seconds, 60.0), dollars)
        rows.append((one.case.candidate.label, f"{one.share:.0%}", *cost))
    return Table(
        title="Predicted cost of getting as far",
        caption="",
        columns=("Search", "Gets as far", "Epochs", *(("Device-min", "$") if table.timed else ())),
        rows=tuple(rows),
        numbers=pd.DataFrame(),
        notes=("Epochs and minutes: median, and quartiles in brackets, over all replays; more: than the old search trained.",),
    )


def quartiles(values: tuple[float, float, float], unit: float) -> str:
    """Median [quartiles]; a replay that did not get there in time counts as more."""
    low, middle, high = ("more" if math.isinf(value) else f"{value / unit:.3g}" for value in values)
    return f"{middle} [{low}, {high}]"


def what_if_frame(prediction: Prediction) -> pd.DataFrame:
    """A row a change: the change's mean scores and costs, and its difference to the same search unchanged."""
    unchanged = {(s.case.candidate.label, v.budget): s.case for v in prediction.verdicts for s in v.standings}
    rows = []
    for case in prediction.what_ifs:
        base = unchanged.get((case.candidate.label, case.scenario.budget_text))
        gap = None if base is None else difference(case.sample(), base.sample(), prediction.table)
        device_seconds = case.mean("wall_seconds") * case.scenario.devices
        rows.append(
            {
                "predicted": True,
                "budget": case.scenario.budget_text,
                "change": case.scenario.change,
                "search": case.candidate.label,
                "test": case.sample().value,
                "minus_unchanged": math.nan if gap is None else gap.value,
                "half_width": math.nan if gap is None else gap.half_width(),
                "epochs": case.mean("epochs"),
                "trials": case.mean("trials"),
                "wall_seconds": case.mean("wall_seconds"),
                "device_seconds": device_seconds,
                "dollars": case.scenario.price.dollars(device_seconds),
            }
        )
    return pd.DataFrame(rows)


def number_frame(prediction: Prediction) -> pd.DataFrame:
    """A row a search and budget, unrounded; scores in the metric's own unit."""
    rows = []
    for verdict in prediction.verdicts:
        for standing in verdict.standings:
            rows.append({"predicted": True, "budget": verdict.budget, **_numbers(standing)})
    return pd.DataFrame(rows)


def _numbers(standing: Standing) -> dict[str, object]:
    case, score, gap = standing.case, standing.score, standing.gap
    low, high = score.interval()
    found: dict[str, object] = {
        "search": case.candidate.label,
        "status": standing.status,
        "test": score.value,
        "low": low,
        "high": high,
        "replay_se": score.replay_se,
        "table_se": score.table_se,
        "rows_se": score.rows_se,
        "repeat_sd": score.repeat_sd,
    }
    if gap is not None:
        low, high = gap.interval()
        found.update(
            gap=gap.value,
            gap_low=low,
            gap_high=high,
            gap_replay_se=gap.replay_se,
            gap_table_se=gap.table_se,
            gap_rows_se=gap.rows_se,
            gap_repeat_sd=gap.repeat_sd,
        )
    for name in ("validation", "epochs", "trials", "evaluations", "distance"):
        found[name] = case.mean(name)
    return {**found, "device_seconds": standing.device_seconds, "dollars": standing.dollars}
