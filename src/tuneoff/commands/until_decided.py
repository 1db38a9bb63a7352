"""A sweep that gets repeats until each pair of its searches is decided: rounds of cells, and a look at the records after each.

Nothing is kept but the records: the same command looks again at what is there, comes to the same conclusions, and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuneoff.commands.arguments import CommandLine
from tuneoff.config import RunConfig
from tuneoff.config.parts import DecideSettings
from tuneoff.errors import ConfigError
from tuneoff.price import format_dollars
from tuneoff.report import wording
from tuneoff.report.cells import Block, ReportError
from tuneoff.report.curves import Searches
from tuneoff.report.frames import Frames, load_frames
from tuneoff.report.verdicts.looking import Look, look
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.training.hf.scores import MAXIMISE, Objective, without_prefix

SWEPT = ("algorithm", "repeat")


@dataclass(frozen=True, kw_only=True)
class Round:
    """Cells to run next: these algorithms, by the names that the command line gives, in these repeats."""

    algorithms: tuple[str, ...]
    first: int
    last: int

    def settings(self) -> tuple[str, str]:
        return f"repeat=range({self.first},{self.last + 1})", f"algorithm={','.join(self.algorithms)}"


def check_sweep(given: CommandLine) -> tuple[str, ...]:
    """The algorithms to compare. Raises ConfigError where the sweep is not one of algorithms alone."""
    algorithms = given.swept.get("algorithm", ())
    others = [name for name in given.swept if name not in SWEPT]
    if others:
        raise ConfigError(
            f"until=decided compares algorithms on one task with one model, but {', '.join(others)} lists several values: give "
            "one, and a command for each"
        )
    if len(algorithms) < 2:
        raise ConfigError(
            "until=decided needs two algorithms or more to compare: give them with -m, as in -m algorithm=default,random,pbt"
        )
    return algorithms


def run_until_decided(config: RunConfig, algorithms: Sequence[str], run: Callable[[Round], int]) -> int:
    """Runs rounds until each pair is decided, the last planned look is over, or the dollars are. Returns the highest exit code.

    run: runs the cells of a round; a cell that is finished already is kept. A round in which a cell failed is the last: what is
    missing would be taken for luck.
    """
    plan = config.decide.looks
    left, begun, found = tuple(algorithms), 0, None
    for repeats in plan:
        spent, dear = _spent(config)
        price = dear * len(left) * (repeats - begun)
        if config.decide.dollars is not None and spent + price > config.decide.dollars:
            print(
                f"Stopped before {repeats} repeats: ${format_dollars(spent)} is spent and about ${format_dollars(price)} more "
                f"would be, above decide.dollars={config.decide.dollars:g}."
            )
            return 0
        code = run(Round(algorithms=left, first=begun, last=repeats - 1))
        if code:
            print(f"Not judged after {repeats} repeats, as cells failed: repair the cause and give the command again.")
            return code
        found, rule, metric = _look(config, left, repeats)
        print(said(found, rule, plan, metric))
        if found.decided or len(found.left) < 2:
            return 0
        left, begun = found.left, repeats
    return 0


def said(found: Look, rule: Rule, plan: Sequence[int], metric: str) -> str:
    """What a look saw, and what follows."""
    lines = [f"Look after {found.repeats} repeats (of {', '.join(map(str, plan))}; each at level {rule.alpha:.3g}):"]
    if found.dropped:
        lines.append(
            f"  out, shown to be worse by more than {wording.size(rule.margin, metric)}: {wording.listed(list(found.dropped))}"
        )
    if found.decided or len(found.left) < 2:
        return "\n".join(
            [*lines, f"  decided: every pair of {wording.listed(list(found.left))} is better, equivalent or one search"]
        )
    lines.append(f"  open: {wording.counted(len(found.open), 'pair')} of {wording.listed(list(found.left))}")
    lines += [f"    {verdict.sentence}" for verdict in found.open[:3]]
    last = found.repeats == plan[-1]
    return "\n".join([*lines, "  the last planned look: the report says what is open" if last else "  more repeats follow"])


def check_margin(config: RunConfig) -> None:
    """Raises ConfigError where the margin of the metric that the settings name has to be given; of a task's own metric that is
    known at the first look."""
    metric = next(iter(config.task.metrics or ()), None)
    if config.engine.name == "hf_trainer":
        named = config.engine.settings
        metric = (
            Objective(metric=without_prefix(named.metric), direction=named.direction or MAXIMISE).name if named.metric else None
        )
    if metric is not None:
        rule_of(config.decide, metric)


def rule_of(decide: DecideSettings, metric: str) -> Rule:
    """Raises ConfigError where the margin is not given and only the user can know it."""
    given = wording.usual_margin(metric) if decide.margin is None else decide.margin / wording.scale_of(metric)
    if given is None:
        raise ConfigError(
            f"decide.margin is null, but what difference of {metric} matters is not known: give it in the unit of {metric}, "
            "as in decide.margin=0.05; finished searches are kept"
        )
    return Rule(margin=given, looks=len(decide.looks))


def _look(config: RunConfig, names: Sequence[str], repeats: int) -> tuple[Look, Rule, str]:
    """What is seen, the rule and the metric. names and those of the look: as the command line gives them."""
    block, frames = _block(config)
    rule = rule_of(config.decide, block.metric)
    labels = {frames.algorithms.label(name): name for name in names}
    found = look(Searches.of(frames), list(labels), repeats, block.metric, rule)
    seen = Look(
        repeats=found.repeats,
        searches=tuple(labels[name] for name in found.searches),
        dropped=tuple(labels[name] for name in found.dropped),
        open=found.open,
    )
    return seen, rule, block.metric


def _block(config: RunConfig) -> tuple[Block, Frames]:
    for block, frames in load_frames(config.results / config.study).blocks():
        if (block.task, block.model, block.protocol) == (config.task.name, config.model.name, config.protocol.name):
            return block, frames
    raise ReportError(
        f"{config.results / config.study} holds no finished search of {config.task.name} with {config.model.name}"
    )


def _spent(config: RunConfig) -> tuple[float, float]:
    """Dollars of the study so far, and the mean price of its searches; 0 where none ran yet."""
    try:
        _, frames = _block(config)
    except ReportError:
        return 0.0, 0.0
    done = frames.cells[frames.cells["finished"]]
    return float(frames.cells["dollars"].sum()), float(done["dollars"].mean()) if len(done) else 0.0
