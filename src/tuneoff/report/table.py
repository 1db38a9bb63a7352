"""The results table in the published form, and the detailed one: Markdown to read, CSV to compute with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.frames import LEDGER, Frames
from tuneoff.report.reading import NEWEST_CHECKPOINT, Block

UNFINISHED_MARK = "†"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as text: `rows` as printed, `numbers` unrounded. `caption` and `notes` go wherever the rows go."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: pd.DataFrame
    notes: tuple[str, ...]

    def markdown(self) -> str:
        """Padded, so that it reads as well in a terminal as rendered."""
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        lines = [_line(self.columns, widths), "|" + "|".join(_rule(i, w) for i, w in enumerate(widths)) + "|"]
        lines += [_line(row, widths) for row in self.rows]
        parts = [f"**{self.title}**", self.caption, "\n".join(lines), "\n".join(f"- {note}" for note in self.notes)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def csv(self) -> str:
        return str(self.numbers.to_csv(index=False))

    def latex(self) -> str:
        """A booktabs table; caption and notes below it."""
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (self.columns, *self.rows)]
        columns = "l" + "r" * (len(self.columns) - 1)
        words = _latex(" ".join([f"{self.title}.", self.caption, *self.notes]))
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\begin{{tabular}}{{{columns}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                rf"\caption{{{words}}}",
                r"\end{table}",
                "",
            ]
        )


def results_table(block: Block, frames: Frames) -> Table:
    """Algorithm | Best val | Best test | Total minutes | Total $, a row an algorithm; unfinished cells below, marked.

    frames: of one block. Scores are the incumbent's; minutes are charged (wall x devices); repeats give mean ± sd.
    """
    cells, device = frames.cells, wording.device_label(frames.cells["device_kind"])
    metric = wording.short_metric(block.metric)
    columns = ["Algorithm", f"Best val {metric}", f"Best test {metric}", f"Total {device} min", "Total $"]
    groups = _groups(cells)
    repeated = cells.groupby("algorithm").size().max() > 1
    rows = [
        (
            name,
            wording.score(list(g["validation"]), block.metric),
            wording.score(list(g["test"]), block.metric),
            wording.minutes(list(g["charged_seconds"])),
            dollars(list(g["dollars"])),
            *([str(len(g))] if repeated else []),
        )
        for name, g in groups
    ]
    return Table(
        title=f"{block.task} with {block.model}",
        caption=caption(block, cells),
        columns=(*columns, *(["Repeats"] if repeated else [])),
        rows=tuple(rows),
        numbers=_numbers(block, groups, _RESULTS),
        notes=tuple(scope_note(block) + _majority(block, cells) + _notes(cells) + list(frames.repairs)),
    )


def details_table(block: Block, frames: Frames) -> Table:
    """What the searches did: work, ledger, failures, selection optimism; means over repeats."""
    groups = _groups(frames.cells)
    metric, device = block.metric, wording.device_label(frames.cells["device_kind"])
    points = " points" if wording.is_share(metric) else ""
    makers: list[tuple[str, Callable[[pd.DataFrame], str]]] = [
        ("Trials", lambda g: wording.amount(list(g["trials"]))),
        ("Evaluations", lambda g: wording.amount(list(g["evaluations"]))),
        ("Epochs", lambda g: wording.amount(list(g["epochs_trained"]))),
        (f"Charged {device} min", lambda g: wording.minutes(list(g["charged_seconds"]))),
        ("Busy min", lambda g: wording.minutes(list(g["busy_seconds"]))),
        ("train/eval/test/save+load/start %", _shares),
        ("Stopped early", lambda g: _count(g, "stopped")),
        ("Failed", lambda g: _count(g, "failed")),
        ("Diverged", lambda g: _count(g, "diverged")),
        ("Collapsed", lambda g: _count(g, "collapsed")),
        ("Val − test" + points, lambda g: _optimism(g, metric)),
    ]
    rows = [(name, *(make(g) for _, make in makers)) for name, g in groups]
    notes = [
        "Busy: device time of the trials; charged: wall time x devices, idle included. Stopped, failed, diverged "
        "and collapsed (last evaluation predicts one class only) count trials over all repeats. "
        "Val − test of the incumbent is its selection optimism."
    ]
    return Table(
        title=f"{block.task} with {block.model}: what the searches did",
        caption=caption(block, frames.cells),
        columns=("Algorithm", *(name for name, _ in makers)),
        rows=tuple(rows),
        numbers=_numbers(block, groups, _DETAILS),
        notes=tuple(notes + _notes(frames.cells)),
    )


def caption(block: Block, cells: pd.DataFrame) -> str:
    """Under which protocol, with which metric, data and price the numbers were made."""
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
    parts = [
        f"Task {block.task}, model {block.model}, protocol {block.protocol}, metric {metric}",
        ", ".join(sizes),
        f"devices {devices}",
        f"price {priced}",
    ]
    return "; ".join(filter(None, parts)) + "."


def scope_note(block: Block) -> list[str]:
    """Which weights the test score is of, where that is not those that scored on validation."""
    if block.protocol != NEWEST_CHECKPOINT:
        return []
    return [
        f"Protocol {block.protocol}, as published: best validation is the best epoch of any trial, but the tested "
        "weights are that trial's newest checkpoint (its last evaluation), not necessarily the one that scored."
    ]


def dollars(values: Sequence[float]) -> str:
    middle, sd = wording.mean_sd(values)
    return format_dollars(middle) + (f" ± {format_dollars(sd)}" if len(values) > 1 else "")


def _groups(cells: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Finished cells by algorithm, then each unfinished cell on its own, marked."""
    done, open_cells = cells[cells["finished"]], cells[~cells["finished"]]
    groups = [(name, done[done["algorithm"] == name]) for name in wording.order(done["algorithm"])]
    for name in wording.order(open_cells["algorithm"]):
        for _, row in open_cells[open_cells["algorithm"] == name].sort_values("repeat").iterrows():
            groups.append((f"{name} (repeat {row['repeat']}, {row['status']}) {UNFINISHED_MARK}", row.to_frame().T))
    return groups


def _majority(block: Block, cells: pd.DataFrame) -> list[str]:
    """The score that costs nothing, to hold the others against."""
    rates = cells[["majority_validation", "majority_test"]].mean()
    if block.metric != "accuracy" or rates.isna().any():
        return []
    return [
        f"Always answering the most frequent class scores {100 * rates.iloc[0]:.1f} % on validation and "
        f"{100 * rates.iloc[1]:.1f} % on test."
    ]


def _notes(cells: pd.DataFrame) -> list[str]:
    notes = []
    left_out = cells[~cells["finished"]]
    if len(left_out):
        names = wording.listed([f"{c.algorithm} repeat {c.repeat}" for c in left_out.itertuples()])
        notes.append(
            f"{UNFINISHED_MARK} {wording.counted(len(left_out), 'unfinished cell')} ({names}): "
            "shown as far as recorded, left out of every mean and comparison."
        )
    collapsed = wording.order(cells.loc[cells["incumbent_collapsed"], "algorithm"])
    if collapsed:
        notes.append(
            f"The result of {wording.listed(collapsed)} predicts one class only (in at least one repeat): "
            "nothing was learned there."
        )
    if cells["per_device_hour_usd"].nunique() > 1:
        notes.append("The cells were priced differently: compare dollars with care, or give one price to all.")
    if cells["device_kind"].nunique() > 1:
        notes.append("The cells ran on different devices: their minutes and dollars don't compare.")
    if len(cells) and cells.loc[cells["finished"], "test"].isna().any():
        notes.append("At least one incumbent has no recorded test score; means are over those that have one.")
    return notes


def _sizes(values: pd.Series[int]) -> str:
    known = sorted(set(values[values > 0]))
    return str(known[0]) if len(known) == 1 else f"{known[0]} to {known[-1]}"


def _shares(group: pd.DataFrame) -> str:
    total = float(group["busy_seconds"].sum())
    if total == 0:
        return "–"
    parts = {name: 100 * float(group[name].sum()) / total for name in LEDGER}
    shown = (
        parts["train_seconds"],
        parts["evaluate_seconds"],
        parts["test_seconds"],
        parts["save_seconds"] + parts["load_seconds"],
        parts["start_up_seconds"],
    )
    return " / ".join(f"{share:.0f}" for share in shown)


def _count(group: pd.DataFrame, column: str) -> str:
    return str(int(group[column].sum()))


def _optimism(group: pd.DataFrame, metric: str) -> str:
    return wording.score(list(group["optimism"]), metric).removesuffix(wording.unit_of(metric))


_RESULTS = ("validation", "test", "charged_seconds", "dollars")
_DETAILS = (
    *_RESULTS,
    "optimism",
    "trials",
    "evaluations",
    "epochs_trained",
    "busy_seconds",
    *LEDGER,
    "wall_seconds",
    "devices",
    "completed",
    "stopped",
    "failed",
    "diverged",
    "interrupted",
    "unended",
    "collapsed",
    "exploits",
)


def _numbers(block: Block, groups: Sequence[tuple[str, pd.DataFrame]], names: Sequence[str]) -> pd.DataFrame:
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


def _line(values: Sequence[str], widths: Sequence[int]) -> str:
    padded = [v.ljust(w) if i == 0 else v.rjust(w) for i, (v, w) in enumerate(zip(values, widths, strict=True))]
    return "| " + " | ".join(padded) + " |"


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "†": r"$\dagger$",
    "<": r"$<$",
    ">": r"$>$",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text)


def _rule(column: int, width: int) -> str:
    return ":" + "-" * (width + 1) if column == 0 else "-" * (width + 1) + ":"
