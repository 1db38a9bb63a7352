"""A table from a study of ours: any trial that ran unstopped, scored on test at every evaluation, from any of its repeats."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import Point
from tuneoff.config.parts import parse_domain
from tuneoff.hparams import NUM_EPOCHS
from tuneoff.records.schema import (
    COMPLETED,
    DIVERGED,
    FAILED,
    STOPPED,
    Cell,
    EvaluationRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.records.store import LOG_FILE, RETRAIN_FILE, find_cells, load_cell
from tuneoff.replay.table import RecordedTrial, Table, TableError, checked
from tuneoff.space import Choice, SearchSpace

STOPPED_TRIAL, UNTESTED, CHANGED, UNFINISHED, OUTSIDE = (
    "stopped early",
    "without a test score at every evaluation",
    "under hyperparameters that changed in mid-run",
    "not finished",
    "outside of the space",
)
RECORD = "record"
RANDOM_SEARCHERS = ("random", RECORD)
SEARCH_WORDS = (
    "algorithm",
    "~algorithm",
    "+algorithm",
    "trials=",
    "record",
    "study=",
    "budget=",
    "repeat=",
    "retrain=",
    "view=",
)
"""Beginnings of the words of a command that say how a search is run."""
PAIRS = 2000
"""Pairs of trials from which the disagreement of their predictions is estimated."""


def read_study(folder: Path) -> Table:
    """The folder of a study or of a part of it. TableError where it holds nothing to replay, or several things."""
    cells = _recordings([load_cell(path) for path in find_cells(folder)] if folder.is_dir() else [])
    if not cells:
        raise TableError(
            f"{folder} holds no recorded search: record one first, or give table=FILE format=... for another table"
        )
    headers = [cell.header for cell in cells]
    for what, names in (
        ("tasks and models", {f"{h.task}-{h.model}" for h in headers}),
        ("metrics", {h.metric for h in headers}),
        ("protocols", {h.protocol for h in headers}),
    ):
        if len(names) > 1:
            raise TableError(
                f"{folder} holds several {what} ({', '.join(sorted(names))}): name the folder of one, {folder}/NAME"
            )
    logs = [log for cell in cells for log in _logs(cell)]
    left_out: Counter[str] = Counter()
    space, found = _space(cells), []
    for log in logs:
        found += list(_trials(log, space, left_out))
    if not found and left_out[UNTESTED]:
        raise TableError(
            f"{folder} has no trial with test scores at every evaluation ({left_out[UNTESTED]} have none): only incumbents "
            "were scored on test. Record a table that can be replayed: tuneoff run algorithm=record"
        )
    if not found and left_out[STOPPED_TRIAL]:
        raise TableError(
            f"{folder} has only trials that were stopped early, whose curves end where a search ended them: record some"
        )
    header = headers[0]
    trials = tuple(trial for trial, _ in found)
    return checked(
        Table(
            name=folder.name,
            source=f"{len(cells)} searches recorded under {folder.name}",
            metric=header.metric,
            space=space,
            trials=trials,
            evaluations_per_epoch=int(header.config["training"]["evaluations_per_epoch"]),
            max_epochs=_max_epochs(space, header.config),
            drawn_at_random=all(h.config["algorithm"]["searcher"]["name"] in RANDOM_SEARCHERS for h in headers),
            defaults={name: header.config["hparams"][name] for name in space.domains if name in header.config["hparams"]},
            overhead_seconds=_overhead(logs),
            start_seconds=_start_seconds(logs),
            test_rows=next((r.test.n_examples for log in logs for r in log.evaluations if r.test), None),
            disagreement=_disagreement([last for trial, last in found if not trial.failed]),
            left_out=left_out,
            recorded_device_seconds=sum(log.wall_seconds * log.devices for log in logs),
            slots=max((len({r.worker for r in log.evaluations}) for log in logs), default=None),
            devices=max((log.devices for log in logs), default=None),
            task_words=_task_words(header.command),
        )
    )


def _recordings(cells: list[Cell]) -> list[Cell]:
    """Those that were made to be replayed, where there are any: searches of the same study are no part of their table."""
    made = [cell for cell in cells if cell.header.config["algorithm"]["searcher"]["name"] == RECORD]
    return made or cells


def _task_words(command: str) -> tuple[str, ...]:
    """Of a recorded command, those that say what is learned, not by which search."""
    return tuple(word for word in shlex.split(command) if "=" in word and not word.startswith(SEARCH_WORDS))


def _logs(cell: Cell) -> list[Cell]:
    logs = [cell] if (cell.path / LOG_FILE).exists() else []
    return [*logs, load_cell(cell.path, RETRAIN_FILE)] if (cell.path / RETRAIN_FILE).exists() else logs


def _space(cells: Sequence[Cell]) -> SearchSpace:
    """Of the searches, which must share it; a search without a space of its own (default) counts as well."""
    spaces = {repr(sorted(cell.header.space.items())): cell.header.space for cell in cells}
    if len(spaces) > 1:
        raise TableError(
            f"{cells[0].path.parents[1].name} holds searches of {len(spaces)} different spaces: name the folder of one "
            "algorithm, STUDY/TASK-MODEL/ALGORITHM"
        )
    raw = next(iter(spaces.values()))
    return SearchSpace({name: parse_domain(f"space.{name}", domain) for name, domain in raw.items() if domain is not None})


def _max_epochs(space: SearchSpace, config: Mapping[str, Any]) -> int:
    domain = space.domains.get(NUM_EPOCHS)
    if isinstance(domain, Choice):
        return max(value for value in domain.values if isinstance(value, int))
    return math.floor(domain.high) if domain else int(config["hparams"][NUM_EPOCHS])


def _trials(log: Cell, space: SearchSpace, left_out: Counter[str]) -> Iterable[tuple[RecordedTrial, EvaluationRecord | None]]:
    """Each trial with its last evaluation. left_out counts the others."""
    starts = [record for record in log.records if isinstance(record, TrialStartRecord)]
    if not _scores_every_evaluation(log):
        left_out[UNTESTED] += len(starts)
        return
    evaluations: dict[str, list[EvaluationRecord]] = {}
    for record in log.evaluations:
        evaluations.setdefault(record.trial_id, []).append(record)
    ends = {record.trial_id: record for record in log.trial_ends}
    for start in starts:
        records, end = evaluations.get(start.trial_id, []), ends.get(start.trial_id)
        reason = _unusable(records, end)
        values = {**log.header.config["hparams"], **start.hparams, **(records[0].hparams if records else {})}
        point: Point = {name: values[name] for name in space.domains}
        if reason is None and not space.contains(point):
            reason = OUTSIDE
        if reason is not None:
            left_out[reason] += 1
            continue
        assert end is not None
        yield _trial(point, records, end, str(log.header.seeds["split"]), log.header.metric), records[-1] if records else None


def _scores_every_evaluation(log: Cell) -> bool:
    """Whether test was scored come what may. Where only incumbents are, those trials that happen to have every test score are
    the ones that led from their start: a table of them would flatter every search."""
    best, trailing = -math.inf, False
    for record in log.evaluations:
        score = record.validation.metrics[log.header.metric]
        if record.test is None:
            return False
        trailing, best = trailing or score < best, max(best, score)
    return trailing


def _unusable(records: Sequence[EvaluationRecord], end: TrialEndRecord | None) -> str | None:
    if end is None or end.status not in (COMPLETED, FAILED, DIVERGED):
        return STOPPED_TRIAL if end is not None and end.status == STOPPED else UNFINISHED
    changed = any(r.parent_trial_id is not None or r.hparams != records[0].hparams for r in records)
    return CHANGED if changed else None


def _trial(point: Point, records: Sequence[EvaluationRecord], end: TrialEndRecord, split: str, metric: str) -> RecordedTrial:
    return RecordedTrial(
        point=point,
        split=split,
        validation=tuple(record.validation.metrics[metric] for record in records),
        test=tuple(record.test.metrics[metric] for record in records if record.test),
        train_seconds=tuple(record.cost.train_seconds for record in records),
        evaluate_seconds=tuple(record.cost.evaluate_seconds for record in records),
        test_seconds=tuple(record.cost.test_seconds for record in records),
        failed=end.status != COMPLETED,
        failing_seconds=end.cost.seconds,
    )


def _overhead(logs: Sequence[Cell]) -> float:
    """A slot's seconds an evaluation that no trial's cost accounts for."""
    idle = evaluations = 0.0
    for log in logs:
        spent = sum(r.cost.seconds for r in log.evaluations) + sum(r.cost.seconds for r in log.trial_ends)
        workers = {r.worker for r in log.evaluations}
        idle += log.wall_seconds * len(workers) - spent
        evaluations += len(log.evaluations)
    return max(0.0, idle / evaluations) if evaluations else 0.0


def _start_seconds(logs: Sequence[Cell]) -> float:
    found = [r.cost.start_up_seconds for log in logs for r in log.evaluations if r.cost.start_up_seconds > 0]
    return float(np.median(found)) if found else 0.0


def _disagreement(last: Sequence[EvaluationRecord | None]) -> float | None:
    """The share of test rows on which two trials of the better half predict differently, on average over pairs."""
    known = [r for r in last if r is not None and r.test is not None and r.test.predictions is not None]
    if len(known) < 4:
        return None
    scores = np.array([next(iter(r.validation.metrics.values())) for r in known])
    good = [r for r, score in zip(known, scores, strict=True) if score >= np.median(scores)]
    predictions = np.array([r.test.predictions for r in good if r.test])
    rng = np.random.default_rng(0)
    a, b = rng.integers(len(good), size=PAIRS), rng.integers(len(good), size=PAIRS)
    apart = a != b
    return float((predictions[a[apart]] != predictions[b[apart]]).mean())
