"""A search that was cut off goes on from its log: nothing finished is repeated, nothing is charged twice.

The log is the only state. Searcher and scheduler are rebuilt by replaying it (their draws are numbered, so none has to
be remembered); unfinished trials go on from the snapshot of their newest recorded evaluation.
"""

from __future__ import annotations

from tuneoff.algorithms.base import SCORE, TIME, Plan
from tuneoff.records.schema import COMPLETED, STOPPED, Cell, EvaluationRecord, TrialEndRecord, TrialStartRecord


def replay(cell: Cell, plan: Plan, evaluations_per_epoch: int) -> None:
    """Brings searcher and scheduler to where the log ends."""
    metric, last = cell.header.metric, dict[str, float]()
    for record in cell.records:
        if isinstance(record, TrialStartRecord):
            plan.searcher.adopt(record.trial_id, record.hparams)
        elif isinstance(record, EvaluationRecord):
            score = last[record.trial_id] = record.validation.metrics[metric]
            clock = round(record.epoch * evaluations_per_epoch)
            plan.searcher.on_trial_result(record.trial_id, {SCORE: score, TIME: clock})
            if hasattr(plan.scheduler, "replay"):
                plan.scheduler.replay(record.trial_id, clock, score)
        elif isinstance(record, TrialEndRecord):
            scored = record.status in (COMPLETED, STOPPED) and record.trial_id in last
            result = {SCORE: last[record.trial_id]} if scored else None
            plan.searcher.on_trial_complete(record.trial_id, result, error=not scored)
