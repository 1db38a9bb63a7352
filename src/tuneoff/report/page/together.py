"""What several tasks say together, as one page of Markdown and of HTML, a figure, and unrounded numbers."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.page.html import frame, grid, inline_svg, items, verdict
from tuneoff.report.statistics.ranks import tied_for_best
from tuneoff.report.statistics.summary import Interval
from tuneoff.report.tables import Table
from tuneoff.report.together import ALPHA, FACTORS, FEWEST_TASKS, PairOverTasks, Together
from tuneoff.report.verdicts.pairwise import difference

FOLDER, PAGE, HTML_PAGE, FIGURE = "together", "together.md", "together.html", "together"
SHOWN_FACTORS = (1.0, 1.496, 1.995, 3.981)
"""Those of FACTORS that the table has, with one digit."""
CAPTION = (
    "Left: mean rank of each search, 1 is best. Right: how often it reached the untuned default's score for at most so many "
    "times what the cheapest search paid. Bars and bands: 95 % intervals."
)


def write_together(made: Together, results: Path, *, draw: bool = True) -> Path:
    """Writes <results>/together/<studies>/ and returns the page. Takes the place of an earlier one, which can always be made
    again."""
    studies = list(dict.fromkeys(part.study for part in made.parts))
    folder = results / FOLDER / "+".join(studies)
    folder.mkdir(parents=True, exist_ok=True)
    tables, said = tables_of(made), sentences(made)
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(table.csv(), encoding="utf-8")
    picture = _draw(made, folder) if draw else None
    title = f"{wording.listed(studies)}, together"
    how = f"Made by tuneoff report {' '.join(studies)} --together."
    text = [f"# {title}", *said, f"![{CAPTION}]({picture.name})" if picture else ""]
    text += [*(table.markdown() for table in tables.values()), how]
    (folder / PAGE).write_text("\n\n".join(part.rstrip() for part in text if part) + "\n", encoding="utf-8")
    label = f'<svg role="img" aria-label="{escape(CAPTION, quote=True)}"'
    svg = inline_svg(picture, "t-").replace("<svg", label, 1) if picture else ""
    shown = f"<figure>{svg}<figcaption>{escape(CAPTION)}</figcaption></figure>" if picture else ""
    body = [f"<h1>{escape(title)}</h1>", verdict(said), shown, *map(_html, tables.values())]
    body.append(f'<p class="made">{escape(how)}</p>')
    (folder / HTML_PAGE).write_text(frame(title, "\n".join(body)), encoding="utf-8")
    return folder / PAGE


def _draw(made: Together, folder: Path) -> Path:
    from tuneoff.report.figures import _style as style
    from tuneoff.report.figures._together import draw

    with style.figure() as figure:
        draw(made, figure)
        return style.save(figure, folder / FIGURE)[0]


def _html(table: Table) -> str:
    return f"<h3>{escape(table.title)}</h3>{grid(table.columns, table.rows, table.title)}{items(table.notes, 'notes')}"


def sentences(made: Together) -> list[str]:
    """What the tasks say together, without saying more than they do."""
    blocks = len(made.parts)
    what = wording.counted(made.tasks, "task") + (f" in {blocks} blocks of model and study" if blocks > made.tasks else "")
    first = [made.names[i] for i in tied_for_best([-made.ranks[name].estimate for name in made.names])]
    has, rank = "has" if len(first) == 1 else "share", _interval(made.ranks[first[0]])
    said = [
        f"Over {what}, {wording.listed(first)} {has} the best mean rank, {rank} of {len(made.names)} searches.",
        _claim(made),
    ]
    if made.tasks < FEWEST_TASKS:
        said.append(
            f"{'One task says' if made.tasks == 1 else 'Two tasks say'} nothing about another one: intervals are over the "
            f"repeats of these very tasks, and from {FEWEST_TASKS} tasks on over tasks too."
        )
    else:
        sample = f"This is about tasks of which these {made.tasks} are a fair sample, if there are such"
        said.append(f"{sample}: nobody drew them at random.")
    single = [part.title for part in made.parts if len(part.scores) == 1]
    if single:
        said.append(f"One common repeat only, whose chance is in no interval: {wording.listed(single)}.")
    if made.left_out:
        said.append(f"Left out, because not every task has it: {wording.listed(list(made.left_out))}.")
    protocols = sorted({part.block.protocol for part in made.parts})
    if len(protocols) > 1:
        said.append(f"The tasks were run under several protocols ({wording.listed(protocols)}): compare ranks, not scores.")
    return said


def _claim(made: Together) -> str:
    if made.tasks < FEWEST_TASKS:
        return "No search is called better than another over so few tasks; each task's own report says what is shown on it."
    if made.pairs is None:
        return "Their metrics have no common unit, so that differences can't be averaged: only ranks are compared."
    shown = [pair for pair in made.pairs if pair.better]
    if not shown:
        return (
            "No search is shown to be better than another on average over tasks: with tasks as a source of chance, no pair's "
            "difference is significant after Holm's correction."
        )
    pairs = [f"{pair.first} is better than {pair.second} by {_difference(pair.over.interval, made)}" for pair in shown]
    how = f"p below {ALPHA:g} after Holm's correction, tasks as a source of chance"
    return f"On average over tasks, {wording.listed(pairs)} ({how})."


def tables_of(made: Together) -> dict[str, Table]:
    """By file name, in the order of the page."""
    tables = {"parts": _parts(made), "ranks": _ranks(made)}
    if made.profile is not None:
        tables["profile"] = _profile(made)
    if made.pairs is not None and made.tasks >= FEWEST_TASKS:
        tables["pairs"] = _pairs(made, made.pairs)
    return tables


def _drawn(tasks: int) -> str:
    if tasks < FEWEST_TASKS:
        return "Intervals: percentile bootstrap over the repeats within each task (95 %), the tasks as they are."
    return (
        "Intervals: percentile bootstrap over tasks and, within them, repeats (95 %), which is too narrow for a handful of "
        "tasks: the pairs below decide."
    )


def _parts(made: Together) -> Table:
    rows, numbers = [], []
    for part in made.parts:
        means = [float(value) for value in part.scores.mean(axis=0)]
        shown = [wording.score([value], part.block.metric) for value in means]
        rows.append((part.block.title, part.study, part.block.metric, str(len(part.scores)), *shown))
        facts = {"task": part.block.task, "model": part.block.model, "study": part.study, "task_data": part.task}
        numbers.append({**facts, "repeats": len(part.scores), **dict(zip(made.columns, means, strict=True))})
    return Table(
        title="Mean test scores",
        caption="",
        columns=("Task and model", "Study", "Metric", "Repeats", *made.columns),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=("At equal cost within each repeat, over the repeats that all these searches have.",),
    )


def _ranks(made: Together) -> Table:
    numbers = [{"algorithm": n, "mean_rank": one.estimate, "low": one.low, "high": one.high} for n, one in made.ranks.items()]
    return Table(
        title="Mean rank (1 is best)",
        caption="",
        columns=("Algorithm", "Mean rank [95 %]"),
        rows=tuple((name, _interval(one)) for name, one in made.ranks.items()),
        numbers=pd.DataFrame(numbers),
        notes=(
            f"Within each repeat, averaged over repeats, then models, then tasks: each task counts once. {_drawn(made.tasks)}",
        ),
    )


def _profile(made: Together) -> Table:
    assert made.profile is not None
    at = [FACTORS.index(factor) for factor in SHOWN_FACTORS]
    numbers = [
        {"algorithm": name, "factor": factor, "share": one.estimate, "low": one.low, "high": one.high}
        for name, row in made.profile.items()
        for factor, one in zip(FACTORS, row, strict=True)
    ]
    notes = [
        "Performance profile (Dolan and Moré 2002): how often a search reached the median test score of its task's untuned "
        "default for at most so many times what the cheapest search paid in that repeat. "
        f"{_drawn(made.profiled_tasks)} Where all or none of the repeats agree, such an interval has no width."
    ]
    if made.profiled < len(made.parts):
        notes.append(f"{made.profiled} of {len(made.parts)} blocks have an untuned default, and stand here.")
    return Table(
        title="How often nearly the cheapest to reach the default's score",
        caption="",
        columns=("Algorithm", "the cheapest", *(f"within {factor:.1f} x" for factor in SHOWN_FACTORS[1:])),
        rows=tuple((name, *(_percent(row[i]) for i in at)) for name, row in made.profile.items()),
        numbers=pd.DataFrame(numbers),
        notes=tuple(notes),
    )


def _pairs(made: Together, pairs: tuple[PairOverTasks, ...]) -> Table:
    rows, numbers = [], []
    for pair in pairs:
        over, interval = pair.over, pair.over.interval
        spreads = [_plain(sd, made) for sd in (over.between_sd, over.within_sd)]
        said = "better" if pair.better else "not shown"
        rows.append((f"{pair.first} over {pair.second}", _difference(interval, made), f"{pair.p:.2g}", said, *spreads))
        numbers.append(
            {
                "first": pair.first,
                "second": pair.second,
                "difference": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "p_alone": over.p,
                "p_holm": pair.p,
                "between_tasks_sd": over.between_sd,
                "within_task_sd": over.within_sd,
                "tasks": over.tasks,
            }
        )
    return Table(
        title="Differences over tasks",
        caption="",
        columns=("Pair", "Difference [95 %]", "p (Holm)", "Over tasks", "sd between tasks", "sd between repeats"),
        rows=tuple(rows),
        numbers=pd.DataFrame(numbers),
        notes=(
            "A mixed model with tasks as a random effect, by the analysis of variance: Student's interval over the tasks' mean "
            "differences, which with as many repeats in each task is the model's own. Better needs "
            f"{FEWEST_TASKS} tasks or more, a p below {ALPHA:g} after Holm's correction over all pairs, and an interval above "
            "0. Where the sd between tasks exceeds the mean difference, the order depends on the task.",
        ),
    )


def _interval(one: Interval) -> str:
    return f"{one.estimate:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _percent(one: Interval) -> str:
    return f"{100 * one.estimate:.0f} % [{100 * one.low:.0f}, {100 * one.high:.0f}]"


def _difference(one: Interval, made: Together) -> str:
    return difference(one, made.parts[0].block.metric)  # all parts' differences are in one unit


def _plain(value: float, made: Together) -> str:
    if math.isnan(value):
        return "–"
    return wording.number(value, made.parts[0].block.metric, digits=3)
