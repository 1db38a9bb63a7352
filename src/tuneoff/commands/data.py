"""python -m benchmarks.data task=rte task.files=DIR [protocol=...] [model=...]

What a task's rows are like and what the protocol makes of them: sizes, labels, lengths, duplicates, shared sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import DictConfig

from tuneoff.commands.composition import to_config
from tuneoff.commands.entry import run_command
from tuneoff.commands.hydra_command import HydraCommand
from tuneoff.config import RunConfig
from tuneoff.seeds import derive
from tuneoff.task import Splits, Task, TextSplit, load_task, make_splits
from tuneoff.task.facts import count_duplicates, label_counts, majority_rate, measure_lengths, measure_overlap


def describe(task: Task, splits: Splits, tokenizer: Any, max_length: int) -> str:
    """Plain text: the task as its source gives it, then the three parts of the protocol."""
    parts = {name: part.rows for name, part in splits.parts.items()}
    names = ", ".join(f"{i} = {name}" for i, name in enumerate(task.label_names))
    return "\n".join(
        [
            f"Task {task.name}: {task.source}",
            f"Labels: {names}. Metrics: {', '.join(task.metrics)} (searches maximise {task.metrics[0]}).",
            "",
            "Splits of the source",
            *_split_lines(task.splits, task, tokenizer, max_length),
            "",
            "Rows with a sentence that also occurs in ...",
            *_overlap_lines(task.splits),
            "",
            f"Protocol {splits.protocol}: {splits.description}",
            *_split_lines(parts, task, tokenizer, max_length),
            "",
            "Rows with a sentence that also occurs in ...",
            *_overlap_lines(parts),
            "",
            f"Split sha256 {splits.hash}",
        ]
    )


def _split_lines(splits: Mapping[str, TextSplit], task: Task, tokenizer: Any, max_length: int) -> list[str]:
    """Lengths in word pieces, with the special ones; `over`: rows longer than max_length."""
    head = ("", "rows", "labels", "majority", "mean", "median", "p95", "max", f"over {max_length}", "duplicates")
    table = [head]
    for name, rows in splits.items():
        lengths = measure_lengths(rows, tokenizer, max_length, len(task.label_names))
        rate = majority_rate(rows)
        counts = label_counts(rows, len(task.label_names))
        listed = " / ".join(map(str, counts[:6])) + (" ..." if len(counts) > 6 else "")
        table.append(
            (
                name,
                str(len(rows)),
                "hidden" if rate is None else listed,
                "-" if rate is None else f"{100 * rate:.1f} %",
                f"{lengths.mean:.1f}",
                f"{lengths.median:.0f}",
                f"{lengths.p95:.0f}",
                str(lengths.max),
                f"{lengths.over_limit} ({100 * lengths.over_limit / len(rows):.1f} %)",
                str(count_duplicates(rows)),
            )
        )
    return _align(table)


def _overlap_lines(splits: Mapping[str, TextSplit]) -> list[str]:
    table: list[tuple[str, ...]] = [("", "rows", "a in a", "a in b", "b in a", "b in b", "whole row")]
    names = list(splits)
    for i, other in enumerate(names):
        for name in names[i + 1 :]:
            o = measure_overlap(splits[name], splits[other])
            table.append(
                (
                    f"{name} in {other}",
                    f"{o.rows} of {len(splits[name])}",
                    *map(str, (o.a_in_a, o.a_in_b, o.b_in_a, o.b_in_b, o.pairs)),
                )
            )
    return _align(table)


def _align(table: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(table)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def report(config: RunConfig) -> str:
    """Raises a UserError of the part that is wrong."""
    from tuneoff.model.loading import load_tokenizer

    task = load_task(config.task)
    splits = make_splits(task, config.protocol, derive(config.seed, config.repeat)["split"])
    return describe(task, splits, load_tokenizer(config.model), config.model.max_length)


@HydraCommand
def main(configuration: DictConfig) -> None:
    print(report(to_config(configuration)))


def command() -> None:
    run_command(main.run)
