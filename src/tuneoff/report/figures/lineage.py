"""Who copied whom: the ancestry of a population-based search, with the learning rate by colour.

A row is a member of the population, a bar one training interval; a line leads from the donor's checkpoint to the
member that continued from it. Outlined: the ancestry of the winner. The first finished repeat that has copies.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import HPARAM, Frames, of_cell

COLOURED = "learning_rate"


@dataclass(frozen=True, kw_only=True)
class Data:
    """intervals: a row an evaluation: lane, begin, end (charged device-minutes), value (learning rate), winning.

    copies: a row an exploit: from_lane, from_minute, to_lane, to_minute. lanes: trial ids, by row.
    """

    intervals: pd.DataFrame
    copies: pd.DataFrame
    lanes: tuple[str, ...]
    title: str
    device: str


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    cells = frames.finished().cells
    bred = cells[cells["exploits"] > 0].sort_values(["algorithm", "repeat"])
    if bred.empty or HPARAM + COLOURED not in frames.evaluations:
        return None
    chosen = bred.iloc[0]
    own = of_cell(frames.evaluations, chosen["cell"])
    lanes = tuple(sorted(set(own["trial_id"]), key=lambda name: (len(name), name)))
    return Data(
        intervals=_intervals(own, lanes),
        copies=_copies(own, lanes),
        lanes=lanes,
        title=f"{chosen['algorithm']}, repeat {chosen['repeat']}",
        device=wording.device_label([chosen["device_kind"]]),
    )


def _intervals(own: pd.DataFrame, lanes: tuple[str, ...]) -> pd.DataFrame:
    end = own["charged_seconds"].astype(float) / 60
    begin = end.groupby(own["trial_id"]).shift(1).fillna(0.0)
    path = set(ancestry(own))
    winning = [(t, n) in path for t, n in zip(own["trial_id"], own["evaluation"], strict=True)]
    return pd.DataFrame(
        {
            "lane": [lanes.index(t) for t in own["trial_id"]],
            "begin": begin,
            "end": end,
            "value": own[HPARAM + COLOURED].astype(float),
            "winning": winning,
        }
    )


def _copies(own: pd.DataFrame, lanes: tuple[str, ...]) -> pd.DataFrame:
    keys = zip(own["trial_id"], own["evaluation"], strict=True)
    minute = dict(zip(keys, own["charged_seconds"] / 60, strict=True))
    rows = []
    for r in own[own["parent_trial_id"].notna()].to_dict("records"):
        donor = (r["parent_trial_id"], r["parent_evaluation"])
        if donor in minute:
            before = minute.get((r["trial_id"], r["evaluation"] - 1), 0.0)
            rows.append(
                {
                    "from_lane": lanes.index(donor[0]),
                    "from_minute": minute[donor],
                    "to_lane": lanes.index(r["trial_id"]),
                    "to_minute": max(before, minute[donor]),
                }
            )
    return pd.DataFrame(rows, columns=["from_lane", "from_minute", "to_lane", "to_minute"])


def ancestry(own: pd.DataFrame) -> list[tuple[str, int]]:
    """(trial, evaluation) of the incumbent and of all that its weights went through, newest first."""
    rows = {(r["trial_id"], r["evaluation"]): r for r in own.to_dict("records")}
    last = own[own["is_incumbent"]].iloc[-1]
    step, path = (last["trial_id"], last["evaluation"]), []
    while step in rows and step not in path:
        path.append(step)
        row = rows[step]
        copied = isinstance(row["parent_trial_id"], str)
        step = (row["parent_trial_id"], row["parent_evaluation"]) if copied else (step[0], step[1] - 1)
    return path


def draw(data: Data, figure: Figure) -> None:
    figure.set_size_inches(style.COLUMN_INCHES, 1.1 + 0.24 * len(data.lanes))
    axes = figure.subplots()
    low, high = data.intervals["value"].min(), data.intervals["value"].max()
    shades = ScalarMappable(LogNorm(low, high if high > low else 1.01 * low), colormaps["cividis"])
    for winning, part in data.intervals.groupby("winning"):
        axes.barh(
            part["lane"],
            part["end"] - part["begin"],
            left=part["begin"],
            height=0.6,
            color=shades.to_rgba(part["value"].to_numpy()),
            edgecolor=style.INK if winning else "white",
            linewidth=1.6 if winning else 0.5,
            zorder=3 if winning else 2,
        )
    for copy in data.copies.to_dict("records"):
        axes.annotate(
            "",
            (copy["to_minute"], copy["to_lane"]),
            (copy["from_minute"], copy["from_lane"]),
            zorder=4,
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#D55E00",
                "linewidth": 0.9,
                "shrinkA": 0,
                "shrinkB": 0,
                "mutation_scale": 7,
            },
        )
    axes.set_yticks(range(len(data.lanes)), data.lanes)
    axes.set_ylim(len(data.lanes) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"charged {data.device}-minutes (outlined: the winner's ancestry)")
    axes.set_title(data.title)
    figure.colorbar(shades, ax=axes, pad=0.02, aspect=18).set_label(COLOURED.replace("_", " "))
