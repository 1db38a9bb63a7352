"""From a table to a prediction: the gate, the replays, and a verdict for each budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuneoff.replay.as_far import AsFar, as_far_scenario, grade
from tuneoff.replay.errors import split_error
from tuneoff.replay.gate import RandomCheck, check_random, require_equal
from tuneoff.replay.holdout import HoldOut, Kind, choose, hold_out, make_world, require_passed
from tuneoff.replay.plan import Candidate, Scenario, check
from tuneoff.replay.runner import Case, Effort, cases, plan_blocks, run_blocks
from tuneoff.replay.surrogate import Surrogate
from tuneoff.replay.table import Table
from tuneoff.replay.verdict import Verdict, judge


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Whether a table may be replayed, and as which world. hold_outs: of each kind of surrogate that was tried. posterior: see
    world.World. split_se: None where only one split was recorded. noise_sd, repeated_sd: see surrogate.Fit."""

    kind: Kind
    hold_outs: tuple[HoldOut, ...]
    random: RandomCheck
    posterior: bool
    split_se: float | None
    noise_sd: float | None = None
    repeated_sd: float | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """verdicts: a budget each, in the order given. what_ifs: cases that differ from the first scenario, by what was changed.
    as_far: None where the table is no search to be graded. not_replayed: populations. without_score: cases in which a replay
    came to no score."""

    table: Table
    gate: Gate
    effort: Effort
    verdicts: tuple[Verdict, ...]
    what_ifs: tuple[Case, ...]
    as_far: AsFar | None
    not_replayed: tuple[Candidate, ...]
    without_score: tuple[Case, ...]


def pass_gate(table: Table, world: str) -> Gate:
    """world: auto, pool, gp or forest. TableError where the table does not carry a replay."""
    if world == "auto":
        kind, found = choose(table)
    else:
        kind = world  # type: ignore[assignment]
        found = (hold_out(table, "forest" if kind == "pool" else kind),)
    if kind != "pool":
        require_passed(next(one for one in found if one.kind == kind), table)
    made = make_world(table, kind)
    equal = check_random(table, made)
    require_equal(equal, table)
    smooth = made.fit if isinstance(made, Surrogate) else None
    return Gate(
        kind=kind,
        hold_outs=found,
        random=equal,
        posterior=made.posterior,
        split_se=None if smooth is None else split_error(table, smooth.residuals[:, -1], smooth.curves.rows),
        noise_sd=smooth.noise_sd if smooth else None,
        repeated_sd=smooth.repeated_sd if smooth else None,
    )


def predict(
    table: Table,
    gate: Gate,
    candidates: Sequence[Candidate],
    scenarios: Sequence[Scenario],
    what_ifs: Sequence[tuple[Candidate, Scenario]],
    *,
    effort: Effort,
    margin: float,
    store: Path,
    graded: bool = False,
    processes: int = 1,
    started: Callable[[int], None] = lambda _: None,
    advanced: Callable[[int], None] = lambda _: None,
) -> Prediction:
    """Everything is checked before the first replay. graded: whether the table is an old search, and it is asked what others
    would have cost to get as far. started: hears how many replays there are; advanced: how many were made."""
    replayed = [candidate for candidate in candidates if not candidate.population]
    for candidate in replayed:
        for scenario in scenarios:
            check(candidate, scenario, table)
    goal = as_far_scenario(table, scenarios[0]) if graded else None
    others = [*what_ifs, *((candidate, goal) for candidate in replayed if goal)]
    for candidate, scenario in others:
        check(candidate, scenario, table)
    blocks = plan_blocks(table, gate.kind, replayed, scenarios, posterior=gate.posterior, effort=effort)
    for candidate, scenario in others:
        blocks += plan_blocks(table, gate.kind, [candidate], [scenario], posterior=gate.posterior, effort=effort)
    started(sum(block.count for block in {block.key: block for block in blocks}.values()))
    results = run_blocks(table, gate.kind, blocks, store, processes=processes, advanced=advanced)
    made = cases(blocks, results)
    scored = [case for case in made if case.unscored == 0]
    verdicts = []
    for scenario in scenarios:
        members = [case for case in scored if case.scenario == scenario]
        if members:
            verdicts.append(judge(table, members, margin, gate.split_se or 0.0))
    return Prediction(
        table=table,
        gate=gate,
        effort=effort,
        verdicts=tuple(verdicts),
        what_ifs=tuple(case for case in scored if case.scenario.change),
        as_far=grade(table, [case for case in made if case.scenario == goal]) if goal else None,
        not_replayed=tuple(candidate for candidate in candidates if candidate.population),
        without_score=tuple(case for case in made if case.unscored and case.scenario.target is None),
    )
