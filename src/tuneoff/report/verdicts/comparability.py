"""Two studies side by side (two machines, two versions of the code): whether their numbers compare, and what differs.

Comparable means: the same protocol version (within Major.Minor), and, wherever both studies have a cell of the same task,
model, protocol and metric, the same data and split in each common repeat and the same space for each common algorithm.
A fact that a header lacks is reported as unknown, never taken for the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuneoff.records.incumbent import reported_evaluations, score_of
from tuneoff.records.schema import Cell
from tuneoff.report import wording
from tuneoff.report.algorithms import Algorithms
from tuneoff.report.cells import Block, cell_name, device_kind, finished

DATA = ("source_rows", "split_sha256", "encoded_sha256", "model_sha256")
_MOST = 6


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """obstacles: why the numbers don't compare. unknown: what could not be checked. differences: all else that differs."""

    names: tuple[str, str]
    obstacles: tuple[str, ...]
    unknown: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        """As far as the headers say; see `unknown`."""
        return not self.obstacles

    def text(self) -> str:
        a, b = self.names
        verdict = (
            f"{a} and {b} are NOT comparable."
            if self.obstacles
            else f"{a} and {b} are comparable as far as could be checked; not all could."
            if self.unknown
            else f"{a} and {b} are comparable."
        )
        parts = [verdict, *(f"- {o}" for o in self.obstacles), *(f"- not checked: {u}" for u in self.unknown)]
        differs = [f"- {d}" for d in self.differences] or ["- nothing that the headers record"]
        return "\n".join([*parts, "What differs:", *differs]) + "\n"


def compare(names: tuple[str, str], first: Sequence[Cell], second: Sequence[Cell]) -> Comparison:
    obstacles, unknown, differences = _version(first, second), list[str](), list[str]()
    blocks = sorted({Block.of(c) for c in first} & {Block.of(c) for c in second}, key=lambda b: (b.label, b.protocol, b.metric))
    if not blocks:
        both = [wording.listed(sorted({_named(Block.of(c)) for c in cells})) for cells in (first, second)]
        obstacles.append(f"no task, model, protocol and metric in common: {both[0]} against {both[1]}")
    for block in blocks:
        one, two = ([c for c in cells if Block.of(c) == block] for cells in (first, second))
        _data(block, one, two, obstacles, unknown)
        _space(block, one, two, obstacles, unknown)
        differences += _scores(block, one, two)
    return Comparison(
        names=names,
        obstacles=tuple(obstacles),
        unknown=tuple(unknown),
        differences=(*_cells(names, first, second), *_origins(first, second), *differences),
    )


def _named(block: Block) -> str:
    return f"{block.task} with {block.model} ({block.protocol}, {block.metric})"


def _version(first: Sequence[Cell], second: Sequence[Cell]) -> list[str]:
    one, two = (sorted({".".join(c.header.protocol_version.split(".")[:2]) for c in cells}) for cells in (first, second))
    return (
        []
        if one == two and len(one) == 1
        else [
            f"protocol version {wording.listed(one)} against {wording.listed(two)}: results compare within one Major.Minor only"
        ]
    )


def _data(block: Block, one: Sequence[Cell], two: Sequence[Cell], obstacles: list[str], unknown: list[str]) -> None:
    """A repeat's split is the same for all algorithms, so repeats are compared, not searches."""
    repeats = sorted({c.header.repeat for c in one} & {c.header.repeat for c in two})
    if not repeats:
        unknown.append(f"data of {_named(block)}: no repeat in common")
    for name in DATA:
        differ, missing = [], []
        for repeat in repeats:
            sides = [
                {json.dumps(c.header.data.get(name), sort_keys=True) for c in cells if c.header.repeat == repeat}
                for cells in (one, two)
            ]
            if "null" in sides[0] | sides[1]:
                missing.append(repeat)
            elif len(sides[0] | sides[1]) > 1:
                differ.append(repeat)
        if differ:
            obstacles.append(f"data of {_named(block)}: {name} differs in {_repeats(differ)}")
        if missing:
            unknown.append(f"data of {_named(block)}: no {name} in a header of {_repeats(missing)}")


def _space(block: Block, one: Sequence[Cell], two: Sequence[Cell], obstacles: list[str], unknown: list[str]) -> None:
    for name in _common(one, two):
        sides = [[c.header.space for c in cells if c.header.algorithm == name] for cells in (one, two)]
        if not all(space for side in sides for space in side):
            unknown.append(f"space of {name} on {_named(block)}: a header has none")
        elif len({json.dumps(space, sort_keys=True) for side in sides for space in side}) > 1:
            keys = sorted({path.split(".")[0] for path, _, _ in changes(sides[0][0], sides[1][0])})
            obstacles.append(f"space of {name} on {_named(block)} differs" + (f": {wording.listed(keys)}" if keys else ""))


def _common(one: Sequence[Cell], two: Sequence[Cell]) -> list[str]:
    """The algorithms that both have, by name, in the order of tables."""
    algorithms = Algorithms.of_headers(c.header for c in (*one, *two))
    names = {c.header.algorithm for c in one} & {c.header.algorithm for c in two}
    return [a.name for a in algorithms.by_label.values() if a.name in names]


def changes(one: Mapping[str, Any], two: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted path, value here, value there) of each leaf that differs; None where a side lacks it."""
    for key in sorted({*one, *two}):
        here, there, path = one.get(key), two.get(key), f"{at}{key}"
        if isinstance(here, Mapping) and isinstance(there, Mapping):
            yield from changes(here, there, f"{path}.")
        elif here != there:
            yield path, here, there


def _repeats(numbers: Sequence[int]) -> str:
    return f"{'repeat' if len(numbers) == 1 else 'repeats'} {wording.listed([str(n) for n in numbers])}"


def _cells(names: tuple[str, str], first: Sequence[Cell], second: Sequence[Cell]) -> list[str]:
    one, two = ({cell_name(c).partition("/")[2] for c in cells} for cells in (first, second))
    return [
        f"{wording.counted(len(own), 'cell')} only in {name}: {_few(sorted(own))}"
        for name, own in zip(names, (one - two, two - one), strict=True)
        if own
    ]


def _few(values: Sequence[str]) -> str:
    return ", ".join(values[:_MOST]) + (f" and {len(values) - _MOST} more" if len(values) > _MOST else "")


def _origins(first: Sequence[Cell], second: Sequence[Cell]) -> list[str]:
    """Code, versions, machine, price and configuration: the values of one study against those of the other."""
    made = [_facts(cells) for cells in (first, second)]
    return [
        f"{fact}: {_few(sorted(made[0].get(fact, {'–'})))} against {_few(sorted(made[1].get(fact, {'–'})))}"
        for fact in sorted({*made[0], *made[1]})
        if made[0].get(fact) != made[1].get(fact)
    ]


def _facts(cells: Sequence[Cell]) -> dict[str, set[str]]:
    facts: dict[str, set[str]] = {}
    for cell in cells:
        h = cell.header
        parts = {
            "price": h.price,
            "versions": h.versions,
            "hardware": h.hardware,
            "git": h.git,
            f"config of {h.algorithm}": {k: v for k, v in h.config.items() if k not in ("repeat", "study")},
        }
        for name, part in parts.items():
            for path, value, _ in changes(part, {}, f"{name}: "):
                facts.setdefault(path, set()).add(json.dumps(value, sort_keys=True))
        facts.setdefault("device", set()).add(f"{cell.devices} x {device_kind(cell)}")
    return facts


def _scores(block: Block, one: Sequence[Cell], two: Sequence[Cell]) -> list[str]:
    """Mean test scores of the finished cells that both have; no test of the difference, which pairs would need."""
    sentences = []
    for name in _common(one, two):
        sides = [
            {c.header.repeat: _test(c) for c in cells if c.header.algorithm == name and finished(c)} for cells in (one, two)
        ]
        common = [r for r in sorted({*sides[0]} & {*sides[1]}) if np.isfinite([sides[0][r], sides[1][r]]).all()]
        if common:
            here, there = (wording.score([side[r] for r in common], block.metric) for side in sides)
            sentences.append(f"test {block.metric} of {name} on {_named(block)}, {_repeats(common)}: {here} against {there}")
    return sentences


def _test(cell: Cell) -> float:
    stood = reported_evaluations(cell)[-1:]
    return score_of(stood[0].test, cell) if stood and stood[0].test else float("nan")
