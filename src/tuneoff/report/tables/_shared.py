"""Parts that several tables share: captions, notes, groups of cells, unrounded numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block
from tuneoff.task.protocol import protocol_rules

UNFINISHED_MARK = "†"
CLIPPED = "Intervals are Student's, cut to the values that the metric can take, which leaves their coverage as it is."
"""A note for tables of means with intervals."""


def caption(block: Block, cells: pd.DataFrame) -> str:
    """The protocol, metric, data sizes, devices and prices of the numbers."""
    prices = cells[["price", "per_device_hour_usd", "price_source", "price_date"]].drop_duplicates()
    priced = wording.listed(
        [
            f"{p.price} (${p.per_device_hour_usd:g} per device-hour; {p.price_source}, {p.price_date})"
            for p in prices.itertuples()
        ]
    )
    sizes = [
        f"{what} n = {_sizes(cells[column])}"
        for what, column in (("validation", "n_validation"), ("test", "n_test"))
        if (cells[column] > 0).any()
    ]
    devices = wording.listed(sorted({f"{c.devices} x {c.device_kind}" for c in cells.itertuples()}))
    metric = wording.metric_about(block.metric, cells["positive"])
    variant = f" (data {block.variant})" if block.variant else ""
    parts = [
        f"Task {block.task}, model {block.model}{variant}, protocol {block.protocol}, metric {metric}",
        ", ".join(sizes),
        f"devices {devices}",
        f"price {priced}",
    ]
    return "; ".join(filter(None, parts)) + "."


def scope_note(block: Block) -> list[str]:
    """The weights that the test score is of, where they are not those that scored on validation."""
    if not protocol_rules(block.protocol).tests_newest_checkpoint:
        return []
    return [
        f"Protocol {block.protocol}, as published: best validation is the best epoch of any trial, but the tested "
        "weights are that trial's newest checkpoint (its last evaluation), not necessarily the one that scored."
    ]


def dollars(values: Sequence[float]) -> str:
    """Mean, and its standard deviation where there are repeats: "2.30 ± 0.12"."""
    middle, sd = wording.mean_sd(values)
    return format_dollars(middle) + (f" ± {format_dollars(sd)}" if len(values) > 1 else "")


def algorithm_groups(cells: pd.DataFrame, algorithms: Algorithms) -> list[tuple[str, pd.DataFrame]]:
    """Finished cells by algorithm, then each unfinished cell on its own, marked."""
    done, open_cells = cells[cells["finished"]], cells[~cells["finished"]]
    groups = [(name, done[done["algorithm"] == name]) for name in algorithms.order(done["algorithm"])]
    for name in algorithms.order(open_cells["algorithm"]):
        for _, row in open_cells[open_cells["algorithm"] == name].sort_values("repeat").iterrows():
            groups.append((f"{name} (repeat {row['repeat']}, {row['status']}) {UNFINISHED_MARK}", row.to_frame().T))
    return groups


def cell_notes(cells: pd.DataFrame, algorithms: Algorithms) -> list[str]:
    """Sentences about unfinished, collapsed, unevenly priced and untested cells."""
    notes = []
    left_out = cells[~cells["finished"]]
    if len(left_out):
        names = wording.listed([f"{c.algorithm} repeat {c.repeat}" for c in left_out.itertuples()])
        notes.append(
            f"{UNFINISHED_MARK} {wording.counted(len(left_out), 'unfinished cell')} ({names}): "
            "shown as far as recorded, left out of every mean and comparison."
        )
    collapsed = algorithms.order(cells.loc[cells["incumbent_collapsed"], "algorithm"])
    if collapsed:
        notes.append(
            f"The result of {wording.listed(collapsed)} gives every row the same answer (in at least one repeat): "
            "nothing was learned there."
        )
    if cells["per_device_hour_usd"].nunique() > 1:
        notes.append("The cells were priced differently: compare dollars with care, or give one price to all.")
    if cells["device_kind"].nunique() > 1:
        notes.append("The cells ran on different devices: their minutes and dollars don't compare.")
    if cells.loc[cells["finished"], "test"].isna().any():
        notes.append("At least one incumbent has no recorded test score; means are over those that have one.")
    return notes


def _sizes(values: pd.Series[int]) -> str:
    known = sorted(set(values[values > 0]))
    return str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}"


def mean_and_sd(block: Block, groups: Sequence[tuple[str, pd.DataFrame]], names: Sequence[str]) -> pd.DataFrame:
    """One row a group: who and under which protocol, then mean and sd of each number (sd empty for one repeat)."""
    rows = []
    for _, g in groups:
        first = g.iloc[0]
        row = {
            "algorithm": first["algorithm"],
            "repeats": len(g),
            "finished": bool(first["finished"]),
            "task": block.task,
            "model": block.model,
            "protocol": block.protocol,
            "metric": block.metric,
            "price": first["price"],
            "per_device_hour_usd": first["per_device_hour_usd"],
            "device_kind": first["device_kind"],
        }
        for name in names:
            known = g[name].astype(float)
            row |= {f"{name}_mean": known.mean(), f"{name}_sd": known.std(ddof=1)}
        rows.append(row)
    return pd.DataFrame(rows)
