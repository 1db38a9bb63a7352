"""A prediction as a section of its own: Markdown, JSON for the report, CSV and a figure. None of it counts as a repeat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuneoff.predictions.figure import draw
from tuneoff.predictions.real import RealResult, real_table
from tuneoff.predictions.tables import as_far_table, number_frame, score_text, standings_table, what_if_frame, what_if_table
from tuneoff.price import format_dollars
from tuneoff.replay.as_far import AsFar
from tuneoff.replay.errors import LEVEL
from tuneoff.replay.plan import Candidate
from tuneoff.replay.predict import Gate, Prediction
from tuneoff.replay.table import Table
from tuneoff.replay.verdict import EQUIVALENT, FEWEST_REPEATS, OPEN, WORSE, Verdict
from tuneoff.report import wording
from tuneoff.report.page.document import Bullets, Code, Document, Grid, Heading, Paragraph, Part, Picture
from tuneoff.report.page.predicted import FILE
from tuneoff.task.units import significant

PAGE, NUMBERS, WHAT_IFS, FIGURE = "predicted.md", "predicted.csv", "what-ifs.csv", "predicted"
FIRST_REAL_REPEAT = 100
"""So that the seeds of real runs are not those of the recording."""
REAL_SUFFIX = "-real"
"""Of the study of real runs, after the recording's name."""


def write_prediction(
    prediction: Prediction, folder: Path, commands: Sequence[str] = (), real: Sequence[RealResult] = ()
) -> list[Path]:
    """The files, in place of earlier ones. commands, real: see `document`."""
    folder.mkdir(parents=True, exist_ok=True)
    page, parts, numbers, changes = folder / PAGE, folder / FILE, folder / NUMBERS, folder / WHAT_IFS
    made = document(prediction, commands, real)
    page.write_text(made.markdown(), encoding="utf-8")
    parts.write_text(made.json(), encoding="utf-8")
    number_frame(prediction).to_csv(numbers, index=False)
    written = [page, parts, numbers]
    if prediction.what_ifs:
        what_if_frame(prediction).to_csv(changes, index=False)
        written.append(changes)
    return [*written, *draw(prediction, folder / FIGURE, real)]


def markdown(prediction: Prediction, commands: Sequence[str] = (), real: Sequence[RealResult] = ()) -> str:
    return document(prediction, commands, real).markdown()


def document(prediction: Prediction, commands: Sequence[str] = (), real: Sequence[RealResult] = ()) -> Document:
    """commands: that run a population for real, at the budgets of the verdicts. real: what it scored, where it was run."""
    table = prediction.table
    parts: list[Part] = [
        Paragraph(
            text="Every number on this page is predicted by replaying searches on recorded curves; none is a repeat that was "
            "run, but for those under “Not replayed”."
        ),
        Bullets(lines=tuple(foundation(prediction))),
    ]
    if prediction.verdicts:
        parts.append(Picture(text="predicted score against budget", file=f"{FIGURE}.svg"))
    for verdict in prediction.verdicts:
        parts += [
            Heading(text=f"Budget {verdict.budget}"),
            Paragraph(text=sentence(verdict, table.metric)),
            Grid.of(standings_table(verdict, table.metric)),
        ]
    if prediction.as_far is not None:
        parts += _as_far(prediction.as_far, table)
    parts += [Heading(text="Real runs that would decide"), *_deciding(prediction)]
    if prediction.what_ifs:
        parts += [Heading(text="What if"), Grid.of(what_if_table(prediction))]
    parts += _unreplayed(prediction, commands, real)
    if table.attribution:
        parts.append(Paragraph(text=table.attribution))
    made = f"Made by tuneoff replay from {len(table.trials)} recorded trials (hash {table.hash})."
    return Document(title=f"Predicted: which search for {table.name}", made=made, parts=tuple(parts))


def foundation(prediction: Prediction) -> list[str]:
    """The table, the world, its hold-out, and the errors: a sentence each."""
    table, gate, effort = prediction.table, prediction.gate, prediction.effort
    recorded = table.recorded_device_seconds
    price = prediction.verdicts[0].standings[0].case.scenario.price if prediction.verdicts else None
    dollars = f", ${format_dollars(price.dollars(recorded))}" if recorded and price and price.per_device_hour_usd else ""
    cost = f"; recording it cost {recorded / 60:.3g} device-minutes{dollars}" if recorded else ""
    lines = [f"Table: {table.used()} ({table.source}){cost}.", f"World: {_world(gate)}."]
    lines += [f"{one.kind}, {one.sentence()}." for one in gate.hold_outs]
    check, unit = gate.random, wording.unit_of(table.metric)
    replayed, counted, se = (wording.fine(x, table.metric) for x in (check.replayed, check.counted, check.se))
    lines.append(
        f"Random search over {check.trials} recorded trials: {replayed}{unit} replayed, {counted}{unit} by counting, standard "
        f"error {se}."
    )
    if gate.noise_sd is not None:
        again = gate.repeated_sd
        apart = ", no repetitions" if again is None else f", {wording.fine(again, table.metric)} between repetitions"
        noise = wording.fine(gate.noise_sd, table.metric)
        lines.append(f"Noise of one trial's last test score: sd {noise} around the surrogate{apart}.")
    worlds = "drawn from what the truth may be, given the table" if gate.posterior else "each from half of the table"
    lines.append(
        f"{effort.worlds} worlds, {worlds}, {effort.replays} replays of each search in each"
        + ("" if gate.posterior else f", and {effort.whole} on the whole table")
        + f". Intervals ({LEVEL:.0%}) add the errors of replays, table and test rows"
        + ("." if wording.is_share(table.metric) else f", but the last is not known of {table.metric} and left out.")
    )
    if gate.split_se is None and gate.posterior:
        lines.append(
            "One split was recorded: what another split would change in the level of all scores is not in the intervals."
        )
    return lines


def _world(gate: Gate) -> str:
    return {
        "pool": "the recorded trials themselves; a search that proposes other points is given the nearest trial that is left",
        "gp": "Gaussian processes on the principal components of the curves, with recorded residual curves",
        "forest": "a forest whose leaves give recorded curves",
    }[gate.kind]


def sentence(verdict: Verdict, metric: str) -> str:
    """The verdict in words."""
    names = {status: [s.case.candidate.label for s in verdict.with_status(status)] for status in (OPEN, EQUIVALENT, WORSE)}
    best = verdict.standings[0]
    margin = wording.size(verdict.margin, metric)
    parts = [f"{best.case.candidate.label} is predicted best, {score_text(best.score, metric)}"]
    if names[EQUIVALENT]:
        parts.append(f"equivalent to it within {margin}: {', '.join(names[EQUIVALENT])}")
    if names[OPEN]:
        parts.append(f"may be as good or better: {', '.join(names[OPEN])}")
    if names[WORSE]:
        parts.append(f"shown worse: {', '.join(names[WORSE])}")
    text = "; ".join(parts) + "."
    if verdict.replaced_repeats and verdict.replaced_device_seconds and verdict.standings[0].dollars:
        text += (
            f" As small an error by real runs would take about {verdict.replaced_repeats} paired repeats of every search: "
            f"{verdict.replaced_device_seconds / 60:.3g} device-minutes, ${format_dollars(verdict.replaced_dollars)}."
        )
    return text


def _as_far(graded: AsFar, table: Table) -> list[Part]:
    old, unit = graded.old, wording.unit_of(table.metric)
    validation, test = (wording.fine(x, table.metric) for x in (old.validation, old.test))
    said = (
        f"The recorded search trained {old.trials} trials, {old.epochs:g} epochs, and ended at a validation score of "
        f"{validation}{unit} (test {test}{unit}). What other searches would have cost to reach "
        "that validation score, were they given as many epochs:"
    )
    return [Heading(text="As far as this search"), Paragraph(text=said), Grid.of(as_far_table(graded, table))]


def _deciding(prediction: Prediction) -> list[Part]:
    words, parts = prediction.table.task_words, list[Part]()
    for verdict in prediction.verdicts:
        for proposal in verdict.proposals:
            names = [s.case.candidate for s in (proposal.first, proposal.second)]
            metric = prediction.table.metric
            seen = significant(proposal.difference * wording.scale_of(metric), 2)
            unit = " points" if wording.is_share(metric) else ""
            last = FIRST_REAL_REPEAT + proposal.repeats
            cost = f", about {proposal.device_seconds / 60:.3g} device-minutes, ${format_dollars(proposal.dollars)}"
            text = (
                f"At {verdict.budget}, {names[0].label} or {names[1].label}: {proposal.repeats} paired repeats see a gap of "
                f"{seen}{unit} with a power of 80 %{cost if proposal.dollars else ''}."
            )
            parts.append(Paragraph(text=text))
            if words:  # a foreign table's task is not ours to run
                parts.append(Code(lines=tuple(real_command(one, prediction.table, verdict.budget, last) for one in names)))
    return parts or [Paragraph(text="None: no two searches that may be best are left open.")]


def real_command(candidate: Candidate, table: Table, budget: str, last: int = FIRST_REAL_REPEAT + FEWEST_REPEATS) -> str:
    """Runs a search for real, on seeds that the recording did not use. last: the repeat after the last one."""
    words = " ".join((candidate.command, *table.task_words))
    return f"tuneoff run -m {words} budget={budget} 'repeat=range({FIRST_REAL_REPEAT},{last})' study={table.name}{REAL_SUFFIX}"


def _unreplayed(prediction: Prediction, commands: Sequence[str], real: Sequence[RealResult]) -> list[Part]:
    parts: list[Part] = []
    if prediction.not_replayed:
        names = ", ".join(candidate.label for candidate in prediction.not_replayed)
        why = (
            f"{names}: population-based training copies weights and goes on under new hyperparameters, for which no curve was "
            "recorded. It has to be run for real, at the same budget."
        )
        parts += [Heading(text="Not replayed"), Paragraph(text=why)]
        parts += [Code(lines=tuple(commands))] if commands else []
        parts += [Grid.of(real_table(real, prediction.table.metric))] if real else []
    if prediction.without_score:
        cases = ", ".join(f"{c.candidate.label} at {c.scenario.budget_text}" for c in prediction.without_score)
        parts.append(Paragraph(text=f"Left out, because the budget is too small to score a trial in every replay: {cases}."))
    return parts
