"""A log by the rules under which it was written: order, numbers, lineage, progress, costs, ends, and which evaluations were
scored on test."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from tuneoff.config.parts import parse_domain
from tuneoff.evaluation import COST_NAMES, Cost
from tuneoff.records.schema import (
    BUDGET_SPENT,
    COMPLETED,
    DIVERGED,
    FAILED,
    STOPPED,
    STOPPED_EARLY,
    TRIAL_STATUSES,
    EvaluationRecord,
    SessionEndRecord,
    SessionStartRecord,
    TrialEndRecord,
    TrialStartRecord,
)
from tuneoff.space import Domain
from tuneoff.task.protocol import protocol_rules
from tuneoff.training.protocol import RESUME_EXAMPLES
from tuneoff.verification.discrepancy import Discrepancy, Log, close, exact, named

TINY = 1e-6
"""Epochs."""
SLACK_SECONDS = 1.0
"""Between an event and its line."""
RECORDING, REPLAY = "record", "replay"
"""The searcher that scores every evaluation on test, and the one that trains a recorded schedule again."""
DRAWING = ("random", "grid", "bayesopt", "gp", "hyperopt", "tpe", "record")
"""Searchers that propose points of the space only."""


def check_log(log: Log) -> Iterator[Discrepancy]:
    yield from _order(log)
    yield from _sessions(log)
    yield from _trials(log)
    yield from _progress(log)
    yield from _costs(log)
    yield from _hyperparameters(log)
    yield from _tested(log)


def _order(log: Log) -> Iterator[Discrepancy]:
    before = 0.0
    for number, record in log.lines:
        if not record.elapsed_seconds >= before:
            yield log.wrong(number, "elapsed_seconds", record.elapsed_seconds, f"{before} or more, as in the line before")
        before = max(before, record.elapsed_seconds)


def _sessions(log: Log) -> Iterator[Discrepancy]:
    """Sessions count from 1, an end closes the session that is open, and the last end agrees with the header."""
    count, last = 0, None
    for number, record in log.lines:
        if isinstance(record, SessionStartRecord):
            count, last = count + 1, None
            if record.session != count:
                yield log.wrong(number, "session", record.session, count)
            if record.devices < 1:
                yield log.wrong(number, "devices", record.devices, "1 or more")
        elif isinstance(record, SessionEndRecord):
            last = record
            if record.session != count:
                yield log.wrong(number, "session", record.session, count)
    number = log.lines[-1][0] if log.lines else 1
    if log.header.status == "finished" and (last is None or last.status != "finished") and log.searching:
        yield log.wrong(number, "the search's end", last.status if last else "none", "finished, as in the header")
    if log.header.status == "failed" and any(True for _ in log.evaluations):
        yield log.wrong(
            number, "evaluations", sum(1 for _ in log.evaluations), "none, since the header says that the search failed"
        )


def _trials(log: Log) -> Iterator[Discrepancy]:
    """Each trial is proposed once, evaluated in order, and ended once, by a known status with its reason."""
    started: set[str] = set()
    count = Counter(record.trial_id for record in log.before)
    last: dict[str, EvaluationRecord] = {record.trial_id: record for record in log.before}
    ended: set[str] = set()
    for number, record in log.lines:
        if isinstance(record, TrialStartRecord):
            if record.trial_id in started:
                yield log.wrong(number, named(record), "a second proposal", "one")
            started.add(record.trial_id)
        elif isinstance(record, EvaluationRecord):
            count[record.trial_id] += 1
            if record.evaluation != count[record.trial_id]:
                yield log.wrong(number, f"{named(record)}, its number", record.evaluation, count[record.trial_id])
            if record.trial_id in ended:
                yield log.wrong(number, named(record), "an evaluation after its trial's end", "none")
            last[record.trial_id] = record
        elif isinstance(record, TrialEndRecord):
            if record.trial_id in ended:
                yield log.wrong(number, named(record), "a second end", "one")
            ended.add(record.trial_id)
            yield from _end(log, number, record, last.get(record.trial_id))
    number = log.lines[-1][0] if log.lines else 1
    proposed = any(isinstance(r, TrialStartRecord) for r in log.records)  # logs of 0.1 have them all, those of scripts may not
    if proposed and not ({*count, *ended} <= started):
        yield log.wrong(number, "trials without a proposal", sorted({*count, *ended} - started), "none")
    if log.header.status == "finished" and log.searching and not (started | set(count)) <= ended:
        yield log.wrong(number, "trials without an end", sorted((started | set(count)) - ended), "none, since it is finished")
    ids = sorted(started)
    letter = "r" if log.retraining else "t"
    if ids and not log.audit and ids != [f"{letter}{i:03d}" for i in range(len(ids))]:
        yield log.wrong(number, "the trials' names", ", ".join(ids), f"{letter}000 to {letter}{len(ids) - 1:03d}")


def _end(log: Log, number: int, end: TrialEndRecord, last: EvaluationRecord | None) -> Iterator[Discrepancy]:
    if end.status not in TRIAL_STATUSES:
        yield log.wrong(number, f"{named(end)}, status", end.status, f"one of {', '.join(TRIAL_STATUSES)}")
    if end.status == STOPPED and end.reason not in (STOPPED_EARLY, BUDGET_SPENT):
        yield log.wrong(number, f"{named(end)}, reason", end.reason, f"{STOPPED_EARLY!r} or {BUDGET_SPENT!r}")
    if end.status in (DIVERGED, FAILED) and not end.reason:
        yield log.wrong(number, f"{named(end)}, reason", "none", "one")
    if log.ours and end.status == COMPLETED and not end.reason and last is not None and "num_epochs" in last.hparams:
        epochs = float(last.hparams["num_epochs"])
        if last.epoch < epochs - TINY:
            yield log.wrong(number, named(end), f"completed at epoch {last.epoch}", f"epoch {epochs}")


def _progress(log: Log) -> Iterator[Discrepancy]:
    """Parents exist and come earlier; what was seen is what the weights had seen before, and what this interval trained."""
    known = {(record.trial_id, record.evaluation): record for record in log.before}
    n_train, ours = log.header.data.get("n_train"), log.ours and not _recomputes_progress(log)
    for number, record in log.evaluations:
        behind = [0] + [known[key].examples_seen for key in known if key[0] == record.trial_id]
        if record.parent_trial_id is not None and record.parent_evaluation is not None and exact(log.header):
            parent = known.get((record.parent_trial_id, record.parent_evaluation))
            if parent is None:
                wanted = f"evaluation {record.parent_evaluation} of {record.parent_trial_id} in an earlier line"
                yield log.wrong(number, f"{named(record)}, parent", "none", wanted)
            else:
                behind = [parent.examples_seen]
        elif record.parent_trial_id is not None:
            behind += [other.examples_seen for (trial, _), other in known.items() if trial == record.parent_trial_id]
        if record.parent_trial_id is not None and record.parent_trial_id not in {trial for trial, _ in known}:
            yield log.wrong(number, f"{named(record)}, parent_trial_id", record.parent_trial_id, "a trial of an earlier line")
        start = record.examples_seen - record.cost.train_examples
        if ours and record.cost.train_examples and start not in behind:
            expected = " or ".join(str(seen + record.cost.train_examples) for seen in sorted(set(behind))[-3:])
            yield log.wrong(number, f"{named(record)}, examples_seen", record.examples_seen, f"{expected}, from train_examples")
        if log.ours and n_train and not close(record.epoch, record.examples_seen / n_train):
            yield log.wrong(
                number, f"{named(record)}, epoch", record.epoch, f"{record.examples_seen / n_train}, of {n_train} rows"
            )
        if record.intervals < 1:
            yield log.wrong(number, f"{named(record)}, intervals", record.intervals, "1 or more")
        known[record.trial_id, record.evaluation] = record


def _recomputes_progress(log: Log) -> bool:
    """Whether a copy changes the count of examples, as the published code of 2020 does."""
    return bool(_part(log, "scheduler").get("resume", RESUME_EXAMPLES) != RESUME_EXAMPLES)


def _part(log: Log, name: str) -> Mapping[str, Any]:
    """The settings of the algorithm's searcher or scheduler."""
    part = (log.header.config.get("algorithm") or {}).get(name)
    return part if isinstance(part, Mapping) else {}


def _costs(log: Log) -> Iterator[Discrepancy]:
    """No increment is negative, a trial is not busy for longer than its search has lasted, and steps hold the examples."""
    busy: dict[str, float] = {}
    for number, record in log.lines:
        if not isinstance(record, EvaluationRecord | TrialEndRecord):
            continue
        for name in COST_NAMES:
            amount = getattr(record.cost, name)
            if not (math.isfinite(amount) and amount >= 0):
                yield log.wrong(number, f"{named(record)}, cost.{name}", amount, "0 or more")
        busy[record.trial_id] = busy.get(record.trial_id, 0.0) + record.cost.seconds
        if busy[record.trial_id] > record.elapsed_seconds + 1:
            found = f"{busy[record.trial_id]:.6f} s in sum"
            yield log.wrong(
                number, f"{named(record)}, cost", found, f"{record.elapsed_seconds:.6f} s at most, since the search began"
            )
        if isinstance(record, EvaluationRecord) and log.ours:
            yield from _steps(log, number, record)


def _steps(log: Log, number: int, record: EvaluationRecord) -> Iterator[Discrepancy]:
    """Batches are full but for the last one of an interval or an epoch."""
    cost: Cost = record.cost
    size, n_train = record.hparams.get("batch_size"), log.header.data.get("n_train")
    if not size or not n_train:
        return
    full, cuts = cost.train_examples / size, math.ceil(cost.train_examples / n_train) + 1
    if not full <= cost.train_steps <= full + cuts:
        expected = f"{math.ceil(full)} to {math.floor(full + cuts)}, for {cost.train_examples} examples in batches of {size}"
        yield log.wrong(number, f"{named(record)}, cost.train_steps", cost.train_steps, expected)
    tokens = (log.header.data.get("tokens") or {}).get("train")
    whole = record.examples_seen % n_train == 0 and cost.train_examples % n_train == 0
    if tokens and whole and cost.train_tokens != tokens * (cost.train_examples // n_train):
        expected = f"{tokens * (cost.train_examples // n_train)}, of whole epochs"
        yield log.wrong(number, f"{named(record)}, cost.train_tokens", cost.train_tokens, expected)


def _hyperparameters(log: Log) -> Iterator[Discrepancy]:
    """What the space does not name has the configured value; what it names lies in it, and is as proposed until a copy. Not of
    a script's Trainer, which says what is in force, nor of a replayed schedule, which changes it."""
    if not log.ours or _part(log, "searcher").get("name") == REPLAY:
        return
    fixed = {name: value for name, value in (log.header.config.get("hparams") or {}).items() if name not in log.header.space}
    domains = _domains(log)
    proposed = {r.trial_id: r.hparams for r in log.records if isinstance(r, TrialStartRecord)}
    copied: set[str] = set()
    for number, record in log.evaluations:
        if record.parent_trial_id is not None:
            copied.add(record.trial_id)
        as_configured = {name: (value, f"{value}, as configured") for name, value in fixed.items() if name in record.hparams}
        as_proposed = {} if log.retraining or record.trial_id in copied else proposed.get(record.trial_id, {})
        wanted = {**as_configured, **{name: (value, f"{value}, as proposed") for name, value in as_proposed.items()}}
        for name, (value, words) in wanted.items():
            if record.hparams.get(name) != value:
                yield log.wrong(number, f"{named(record)}, hparams.{name}", record.hparams.get(name), words)
        for name, domain in domains.items():
            if name in record.hparams and not domain.contains(record.hparams[name]):
                yield log.wrong(number, f"{named(record)}, hparams.{name}", record.hparams[name], f"a value of {domain}")


def _domains(log: Log) -> Mapping[str, Domain]:
    """The domains that values can't leave: none for the untuned default, a replayed schedule, an unclipped population."""
    if _part(log, "searcher").get("name") not in DRAWING or _part(log, "scheduler").get("clip") is False:
        return {}
    return {name: parse_domain(f"space.{name}", rule) for name, rule in log.header.space.items() if rule is not None}


def _tested(log: Log) -> Iterator[Discrepancy]:
    """The protocol's rule of which evaluations are scored on test, as far as the log decides.

    A score is offered as the best so far before it is logged, at most its own interval before. So where several trials run at
    once, a missing test score is explained by a better one that was logged later and offered earlier, and a test score too many
    by a better one that was logged earlier and offered later. An interval that a crash cost leaves no line: then nothing is
    decided.
    """
    searcher = _part(log, "searcher").get("name")
    always = protocol_rules(log.header.protocol).tests_every_evaluation or searcher == RECORDING or log.retraining
    failed = any(isinstance(r, TrialEndRecord) and r.status in (FAILED, DIVERGED) for r in log.records)
    if failed or sum(isinstance(r, SessionStartRecord) for r in log.records) != 1:
        return
    scored = [(number, r, r.validation.metrics[log.header.metric]) for number, r in log.evaluations]
    for i, (number, record, score) in enumerate(scored):
        if log.audit and not always:
            return  # which of its scores were the best so far depends on the search's
        if always:
            if record.test is None:
                yield log.wrong(number, f"{named(record)}, test", "no score", "one, as every evaluation has here")
            continue
        offered = record.elapsed_seconds - record.cost.seconds - SLACK_SECONDS
        earlier = [(other.elapsed_seconds, value) for _, other, value in scored[:i] if value > score]
        later = [other.elapsed_seconds - other.cost.seconds for _, other, value in scored[i + 1 :] if value > score]
        if record.test is not None and any(known < offered for known, _ in earlier):
            best = max(value for _, value in earlier)
            yield log.wrong(number, f"{named(record)}, test", "a score", f"none, since {best} was known and {score} is less")
        overtaken = any(began < record.elapsed_seconds + SLACK_SECONDS for began in later)
        if record.test is None and not earlier and not overtaken:
            yield log.wrong(number, f"{named(record)}, test", "no score", f"one, since {score} was the best so far")
