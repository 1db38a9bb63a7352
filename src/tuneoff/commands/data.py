"""tuneoff data task=rte task.files=DIR [protocol=...] [model=...]

Describes a task's rows and the parts that the protocol makes of them: sizes, labels, lengths, duplicates, shared sentences.
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
from tuneoff.task.cautions import cautions
from tuneoff.task.facts import count_duplicates, measure_lengths, measure_overlap, summarise
from tuneoff.task.kinds import kind_of


def describe(task: Task, splits: Splits, tokenizer: Any, max_length: int, model_source: str = "") -> str:
    """Plain text: the task as its source gives it, the three parts of the protocol, and what to be careful about."""
    parts = {name: part.rows for name, part in splits.parts.items()}
    return "\n".join(
        [
            f"Task {task.name}: {task.source}",
            f"{kind_of(task).legend(task)} Metrics: {', '.join(task.metrics)} (searches maximise {task.metrics[0]}).",
            "",
            "Splits of the source",
            *_split_lines(task.splits, task, tokenizer, max_length),
            "",
            *_overlap_lines(task.splits),
            f"Protocol {splits.protocol}: {splits.description}",
            *_split_lines(parts, task, tokenizer, max_length),
            "",
            *_overlap_lines(parts),
            f"Split sha256 {splits.hash}",
            *(f"Note: {caution}" for caution in _cautions(task, splits, tokenizer, max_length, model_source)),
        ]
    )


def _cautions(task: Task, splits: Splits, tokenizer: Any, max_length: int, model_source: str) -> tuple[str, ...]:
    """The cautions that a run on these rows would have."""
    over = {name: measure_lengths(part.rows, tokenizer, max_length).over_limit for name, part in splits.parts.items()}
    known = {"max_length": max_length, "truncated_rows": over, "model_source": model_source}
    return cautions({**summarise(task, splits), **known})


def _split_lines(splits: Mapping[str, TextSplit], task: Task, tokenizer: Any, max_length: int) -> list[str]:
    """Lengths in word pieces, with the special ones; `over`: rows longer than max_length."""
    table: list[tuple[str, ...]] = []
    for name, rows in splits.items():
        lengths, targets = measure_lengths(rows, tokenizer, max_length), kind_of(task).columns(task, rows)
        table = table or [("", "rows", *targets, "mean", "median", "p95", "max", f"over {max_length}", "duplicates")]
        table.append(
            (
                name,
                str(len(rows)),
                *targets.values(),
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
    """Nothing of a split that is the only one."""
    if len(splits) < 2:
        return []
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
    return ["Rows with a sentence that also occurs in ...", *_align(table), ""]


def _align(table: Iterable[tuple[str, ...]]) -> list[str]:
    rows = list(table)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]


def report(config: RunConfig) -> str:
    """The description as text. Raises the UserError of the part that is wrong."""
    from tuneoff.model.loading import load_tokenizer

    task = load_task(config.task)
    splits = make_splits(task, config.protocol, derive(config.seed, config.repeat)["split"])
    return describe(task, splits, load_tokenizer(config.model), config.model.max_length, config.model.source)


@HydraCommand
def main(configuration: DictConfig) -> None:
    print(report(to_config(configuration)))


def command() -> None:
    run_command(main.run)
