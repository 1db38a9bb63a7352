"""Replays in blocks, on all cores, each kept in a file as soon as it is done: the same command goes on where it stopped."""

from __future__ import annotations

import json
import math
import multiprocessing
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.replay.errors import Sample
from tuneoff.replay.holdout import Kind, make_world
from tuneoff.replay.plan import SEEDS_A_WORLD, Candidate, Replayed, Scenario, identity, replay_once
from tuneoff.replay.table import Table
from tuneoff.replay.world import World

BLOCK = 50
"""Most replays that are lost when a command is stopped, by process."""
WORLDS_KEPT = 8


@dataclass(frozen=True, kw_only=True)
class Effort:
    """worlds: redrawn ones; replays: in each. whole: replays of the table as it is, where redrawn worlds are halves of it."""

    worlds: int = 20
    replays: int = 50
    whole: int = 1000


@dataclass(frozen=True, kw_only=True)
class Block:
    """Replays first to first + count of one search in one scenario. world: 0 is the table as it is, others are redrawn."""

    search: str
    candidate: Candidate
    scenario: Scenario
    world: int
    first: int
    count: int

    @property
    def key(self) -> str:
        return f"{self.search}-{self.world}-{self.first}-{self.count}"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A search in a scenario, as it was replayed. whole, draws: by world; see errors.Sample."""

    candidate: Candidate
    scenario: Scenario
    whole: tuple[Replayed, ...]
    draws: tuple[tuple[Replayed, ...], ...]

    @property
    def everything(self) -> tuple[Replayed, ...]:
        """Those that a mean cost is taken over."""
        return self.whole or tuple(one for draw in self.draws for one in draw)

    @property
    def unscored(self) -> int:
        """Replays in which no trial came to a score, because the budget was too small or every trial failed."""
        return sum(math.isnan(one.test) for draw in (self.whole, *self.draws) for one in draw)

    def mean(self, name: str) -> float:
        """Of a number of a replay, such as wall_seconds."""
        return float(np.mean([getattr(one, name) for one in self.everything]))

    def sample(self) -> Sample:
        """Only where every replay has a score."""
        assert self.unscored == 0, "a replay without a score has no place in a mean"
        counted = Counter(one.row for one in self.everything)
        return Sample(
            draws=np.array([[one.test for one in draw] for draw in self.draws]),
            whole=np.array([one.test for one in self.whole]),
            winners={row: count / len(self.everything) for row, count in counted.items()},
        )


def plan_blocks(
    table: Table, kind: Kind, candidates: Sequence[Candidate], scenarios: Sequence[Scenario], *, posterior: bool, effort: Effort
) -> list[Block]:
    """posterior: whether redrawn worlds are draws of the truth; only then the table as it is needs no replays."""
    blocks = []
    for candidate in candidates:
        for scenario in scenarios:
            name = identity(table, kind, candidate, scenario)
            counts = [(0, 0 if posterior else effort.whole), *((w, effort.replays) for w in range(1, effort.worlds + 1))]
            blocks += [
                Block(
                    search=name,
                    candidate=candidate,
                    scenario=scenario,
                    world=world,
                    first=first,
                    count=min(BLOCK, total - first),
                )
                for world, total in counts
                for first in range(0, total, BLOCK)
            ]
    return blocks


def run_blocks(
    table: Table, kind: Kind, blocks: Sequence[Block], store: Path, *, processes: int, advanced: Callable[[int], None]
) -> dict[str, list[Replayed]]:
    """The replays of every block by its key, those in the store among them. advanced: hears of replays that are done."""
    store.parent.mkdir(parents=True, exist_ok=True)
    _cut_half_written(store)
    done = _stored(store)
    wanted = {block.key: block for block in blocks}
    results = {key: done[key] for key in wanted if key in done}
    advanced(sum(len(rows) for rows in results.values()))
    missing = sorted((block for key, block in wanted.items() if key not in results), key=lambda block: (block.world, block.key))
    with store.open("a", encoding="utf-8") as file:
        for key, rows in _made(table, kind, missing, processes):
            file.write(json.dumps({"key": key, "rows": [_packed(row) for row in rows]}, separators=(",", ":")) + "\n")
            file.flush()
            results[key] = rows
            advanced(len(rows))
    return results


def cases(blocks: Sequence[Block], results: Mapping[str, list[Replayed]]) -> list[Case]:
    """In the order of the blocks: by search, then by scenario."""
    by_search: OrderedDict[tuple[str, str], list[Block]] = OrderedDict()
    for block in blocks:
        by_search.setdefault((block.candidate.label, repr(block.scenario)), []).append(block)
    found = []
    for members in by_search.values():
        worlds: dict[int, list[Replayed]] = {}
        for block in members:
            worlds.setdefault(block.world, []).extend(results[block.key])
        found.append(
            Case(
                candidate=members[0].candidate,
                scenario=members[0].scenario,
                whole=tuple(worlds.pop(0, ())),
                draws=tuple(tuple(worlds[world]) for world in sorted(worlds)),
            )
        )
    return found


def _made(table: Table, kind: Kind, blocks: Sequence[Block], processes: int) -> Iterator[tuple[str, list[Replayed]]]:
    if processes <= 1 or len(blocks) <= 1:
        worker = _Worker(table, kind)
        yield from ((block.key, worker.run(block)) for block in blocks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(table, kind)) as pool:
        futures = {pool.submit(_run, block): block.key for block in blocks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """Keeps the worlds that it made last."""

    def __init__(self, table: Table, kind: Kind) -> None:
        self._whole = make_world(table, kind)
        self._worlds: OrderedDict[int, World] = OrderedDict()

    def run(self, block: Block) -> list[Replayed]:
        world = self._world(block.world)
        algorithm = block.candidate.algorithm
        seeds = range(block.world * SEEDS_A_WORLD + block.first, block.world * SEEDS_A_WORLD + block.first + block.count)
        return [replay_once(algorithm, block.scenario, world, seed) for seed in seeds]

    def _world(self, number: int) -> World:
        if number == 0:
            return self._whole
        if number not in self._worlds:
            self._worlds[number] = self._whole.redrawn(number)
            if len(self._worlds) > WORLDS_KEPT:
                self._worlds.popitem(last=False)
        return self._worlds[number]


_workers: list[_Worker] = []
"""Of a process of the pool: its one worker."""


def _begin(table: Table, kind: Kind) -> None:
    _workers.append(_Worker(table, kind))


def _run(block: Block) -> list[Replayed]:
    return _workers[0].run(block)


def _packed(row: Replayed) -> list[float | None]:
    return [None if isinstance(value, float) and math.isnan(value) else value for value in asdict(row).values()]


def _unpacked(values: Iterable[Any]) -> Replayed:
    """Stores of earlier versions lack the last fields."""
    names = Replayed.__dataclass_fields__
    given: dict[str, Any] = {name: math.nan if value is None else value for name, value in zip(names, values, strict=False)}
    return Replayed(**given)


def _cut_half_written(store: Path) -> None:
    """The last line of a command that was killed: its block is made again."""
    data = store.read_bytes() if store.exists() else b""
    if data and not data.endswith(b"\n"):
        store.write_bytes(data[: data.rfind(b"\n") + 1])


def _stored(store: Path) -> dict[str, list[Replayed]]:
    lines = store.read_text(encoding="utf-8").splitlines() if store.exists() else []
    blocks = [json.loads(line) for line in lines]
    return {block["key"]: [_unpacked(row) for row in block["rows"]] for block in blocks}
