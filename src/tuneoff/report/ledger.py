"""The ledger: where the charged device time went, by what it bought and by how the trial ended that it was spent on.

Whole microseconds, so that parts add up to totals exactly: charged + shared = busy + idle. `shared` is 0 unless trials
that share a device were busy for longer, together, than the devices were held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from tuneoff.evaluation import Cost
from tuneoff.records.charge import session_devices
from tuneoff.records.schema import COMPLETED, DIVERGED, FAILED, INTERRUPTED, STOPPED, Cell, EvaluationRecord

IDLE, SHARED = "idle", "shared"
BOUGHT = {
    "start-up": ("start_up_seconds",),
    "training": ("train_seconds",),
    "evaluation": ("evaluate_seconds",),
    "test scoring": ("test_seconds",),
    "saving and loading": ("save_seconds", "load_seconds"),
}
"""A purchase of busy time -> the increments that make it up."""
EXPLOITED, REPEATED, UNENDED, NOBODY = "exploited away", "repeated", "unended", "no trial"
OUTCOMES = (COMPLETED, STOPPED, EXPLOITED, DIVERGED, FAILED, INTERRUPTED, UNENDED, REPEATED)
"""The end of the trial that the time was spent on.

exploited away: evaluations before the trial copied another one, unless their weights live on in a surviving line.
repeated: evaluations that were lost with an interruption and done again from an older snapshot.
"""
COLUMNS = ("bought", "outcome", "microseconds")
_MICRO = 1_000_000


def microseconds(seconds: float) -> int:
    return round(seconds * _MICRO)


def charged_microseconds(cell: Cell) -> int:
    """Wall time x devices held, session by session, each moment rounded once (records.charge, exactly)."""
    starts = [(microseconds(moment), devices) for moment, devices in session_devices(cell)]
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, cell.devices))
    stops = [*(moment for moment, _ in starts[1:]), microseconds(cell.wall_seconds)]
    return sum((stop - begin) * devices for (begin, devices), stop in zip(starts, stops, strict=True))


def ledger(cell: Cell) -> pd.DataFrame:
    """A row for each pair of `bought` and `outcome` that cost something, columns COLUMNS; idle has outcome `no trial`.

    The sum of all rows but `shared`, minus `shared`, is charged_microseconds(cell).
    """
    spent: dict[tuple[str, str], int] = {}
    for cost, outcome in _spendings(cell):
        for bought, names in BOUGHT.items():
            amount = sum(microseconds(getattr(cost, name)) for name in names)
            if amount:
                spent[bought, outcome] = spent.get((bought, outcome), 0) + amount
    idle = charged_microseconds(cell) - sum(spent.values())
    if idle:
        spent[IDLE if idle > 0 else SHARED, NOBODY] = abs(idle)
    return pd.DataFrame([(*key, amount) for key, amount in sorted(spent.items())], columns=list(COLUMNS))


def _spendings(cell: Cell) -> Iterable[tuple[Cost, str]]:
    """Every increment in the log, with the outcome of the trial that it belongs to."""
    ends = {r.trial_id: r.status for r in cell.trial_ends}
    lost = lost_evaluations(cell)
    for record in cell.evaluations:
        outcome = lost.get((record.trial_id, record.evaluation))
        yield record.cost, outcome or ends.get(record.trial_id, UNENDED)
    for end in cell.trial_ends:
        yield end.cost, end.status


def lost_evaluations(cell: Cell) -> dict[tuple[str, int], str]:
    """(trial, evaluation) -> EXPLOITED or REPEATED, for those whose weights no trial's last state goes back to."""
    own: dict[str, list[EvaluationRecord]] = {}
    for record in sorted(cell.evaluations, key=lambda r: (r.trial_id, r.evaluation)):
        own.setdefault(record.trial_id, []).append(record)
    origins = _origins(own)
    kept: set[tuple[str, int]] = set()
    for records in own.values():
        step: tuple[str, int] | None = (records[-1].trial_id, records[-1].evaluation)
        while step is not None and step not in kept:
            kept.add(step)
            step = origins.get(step)
    copied = {
        name: max((r.evaluation for r in records if r.parent_trial_id is not None), default=0) for name, records in own.items()
    }
    return {
        (r.trial_id, r.evaluation): EXPLOITED if r.evaluation < copied[r.trial_id] else REPEATED
        for records in own.values()
        for r in records
        if (r.trial_id, r.evaluation) not in kept
    }


def _origins(own: Mapping[str, Sequence[EvaluationRecord]]) -> dict[tuple[str, int], tuple[str, int] | None]:
    """The evaluation whose weights each evaluation continued from: the donor's, or the trial's own last one behind it.

    After an interruption a trial goes on from an older snapshot: its own evaluations that had seen as many examples or
    more are not what it came from.
    """
    origins: dict[tuple[str, int], tuple[str, int] | None] = {}
    for name, records in own.items():
        for i, record in enumerate(records):
            behind = next(
                (records[j].evaluation for j in range(i - 1, -1, -1) if records[j].examples_seen < record.examples_seen), None
            )
            origin = None if behind is None else (name, behind)
            if record.parent_trial_id is not None and record.parent_evaluation is not None:
                origin = (record.parent_trial_id, record.parent_evaluation)
            origins[name, record.evaluation] = origin
    return origins
