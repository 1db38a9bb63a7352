"""A prediction as a section of its own: Markdown, CSV and one figure. Nothing in it is a recorded repeat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tuneoff.predictions.figure import draw
from tuneoff.predictions.tables import number_frame, score_text, standings_table, what_if_frame, what_if_table
from tuneoff.price import format_dollars
from tuneoff.replay.errors import LEVEL
from tuneoff.replay.predict import Gate, Prediction
from tuneoff.replay.verdict import EQUIVALENT, OPEN, WORSE, Verdict
from tuneoff.report import wording

PAGE, NUMBERS, WHAT_IFS, FIGURE = "predicted.md", "predicted.csv", "what-ifs.csv", "predicted"
FIRST_REAL_REPEAT = 100
"""So that the seeds of real runs are not those of the recording."""


def write_prediction(prediction: Prediction, folder: Path, commands: Sequence[str] = ()) -> list[Path]:
    """The files, in place of earlier ones. commands: that run a population for real, at the budgets of the verdicts."""
    folder.mkdir(parents=True, exist_ok=True)
    page, numbers, changes = folder / PAGE, folder / NUMBERS, folder / WHAT_IFS
    page.write_text(markdown(prediction, commands), encoding="utf-8")
    number_frame(prediction).to_csv(numbers, index=False)
    written = [page, numbers]
    if prediction.what_ifs:
        what_if_frame(prediction).to_csv(changes, index=False)
        written.append(changes)
    return [*written, *draw(prediction, folder / FIGURE)]


def markdown(prediction: Prediction, commands: Sequence[str] = ()) -> str:
    table = prediction.table
    parts = [f"# Predicted: which search for {table.name}"]
    parts.append(
        "Every number on this page is predicted by replaying searches on recorded curves; none is a repeat that was run."
    )
    parts.append("\n".join(f"- {line}" for line in foundation(prediction)))
    parts.append(f"![predicted score against budget]({FIGURE}.svg)")
    for verdict in prediction.verdicts:
        parts += [
            f"## Budget {verdict.budget}",
            sentence(verdict, table.metric),
            standings_table(verdict, table.metric).markdown(),
        ]
    parts += ["## Real runs that would decide", *_deciding(prediction)]
    if prediction.what_ifs:
        parts += ["## What if", what_if_table(prediction).markdown()]
    parts += _unreplayed(prediction, commands)
    if table.attribution:
        parts.append(table.attribution)
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def foundation(prediction: Prediction) -> list[str]:
    """The table, the world, its hold-out, and the errors: a sentence each."""
    table, gate, effort = prediction.table, prediction.gate, prediction.effort
    recorded = table.recorded_device_seconds
    price = prediction.verdicts[0].standings[0].case.scenario.price if prediction.verdicts else None
    dollars = f", ${format_dollars(price.dollars(recorded))}" if recorded and price and price.per_device_hour_usd else ""
    cost = f"; recording it cost {recorded / 60:.3g} device-minutes{dollars}" if recorded else ""
    lines = [f"Table: {table.used()} ({table.source}){cost}.", f"World: {_world(gate)}."]
    lines += [f"{one.kind}, {one.sentence()}." for one in gate.hold_outs]
    check, scale, unit = gate.random, wording.scale_of(table.metric), wording.unit_of(table.metric)
    lines.append(
        f"Random search over {check.trials} recorded trials: {check.replayed * scale:.2f}{unit} replayed, "
        f"{check.counted * scale:.2f}{unit} by counting, standard error {check.se * scale:.2f}."
    )
    if gate.noise_sd is not None:
        apart = f", {gate.repeated_sd * scale:.2f} between repetitions" if gate.repeated_sd is not None else ", no repetitions"
        lines.append(f"Noise of one trial's last test score: sd {gate.noise_sd * scale:.2f} around the surrogate{apart}.")
    worlds = "drawn from what the truth may be, given the table" if gate.posterior else "each from half of the table"
    lines.append(
        f"{effort.worlds} worlds, {worlds}, {effort.replays} replays of each search in each"
        + ("" if gate.posterior else f", and {effort.whole} on the whole table")
        + f". Intervals ({LEVEL:.0%}) add the errors of replays, table and test rows."
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
    margin = f"{verdict.margin * wording.scale_of(metric):g} {'point' if wording.is_share(metric) else metric}"
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


def _deciding(prediction: Prediction) -> list[str]:
    words, lines = prediction.table.task_words, []
    for verdict in prediction.verdicts:
        for proposal in verdict.proposals:
            names = [s.case.candidate for s in (proposal.first, proposal.second)]
            seen = proposal.difference * wording.scale_of(prediction.table.metric)
            last = FIRST_REAL_REPEAT + proposal.repeats
            cost = f", about {proposal.device_seconds / 60:.3g} device-minutes, ${format_dollars(proposal.dollars)}"
            commands = [
                f"python -m benchmarks.run -m {one.command} {' '.join(words)} budget={verdict.budget} "
                f"'repeat=range({FIRST_REAL_REPEAT},{last})' study={prediction.table.name}-real".replace("  ", " ")
                for one in names
            ]
            text = (
                f"At {verdict.budget}, {names[0].label} or {names[1].label}: {proposal.repeats} paired repeats see a gap of "
                f"{seen:.2g} with a power of 80 %{cost if proposal.dollars else ''}."
            )
            shown = "\n\n```\n" + "\n".join(commands) + "\n```" if words else ""  # a foreign table's task is not ours to run
            lines.append(text + shown)
    return lines or ["None: no two searches that may be best are left open."]


def _unreplayed(prediction: Prediction, commands: Sequence[str]) -> list[str]:
    parts = []
    if prediction.not_replayed:
        names = ", ".join(candidate.label for candidate in prediction.not_replayed)
        parts += [
            "## Not replayed",
            f"{names}: population-based training copies weights and goes on under new hyperparameters, for which no curve was "
            "recorded. It has to be run for real, at the same budget:",
            "```\n" + "\n".join(commands) + "\n```" if commands else "",
        ]
    if prediction.without_score:
        cases = ", ".join(f"{c.candidate.label} at {c.scenario.budget_text}" for c in prediction.without_score)
        parts.append(f"Left out, because the budget is too small to score a trial in every replay: {cases}.")
    return parts
