"""An audit of early stopping against its search: the trials that were drawn, as they were proposed, each to its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tuneoff.records.audit import completed_share, drawn, stopped_early
from tuneoff.records.schema import Cell, TrialEndRecord, TrialStartRecord
from tuneoff.verification.discrepancy import Discrepancy, Log, named


def audit_of(search: Log, audit: Log) -> Log:
    """The audit's log with what its trials had come to in the search."""
    names = {record.trial_id for record in audit.records if isinstance(record, TrialStartRecord)}
    return replace(audit, before=tuple(record for _, record in search.evaluations if record.trial_id in names))


def check_audit(search: Log, audit: Log) -> Iterator[Discrepancy]:
    """Only trials that were stopped early go on, under their own hyperparameters; up to the share that the header calls
    complete each one that the draw takes came to an end."""
    cell = Cell(path=Path(search.file).parent, header=search.header, records=search.records)
    stopped = set(stopped_early(cell))
    proposed = {r.trial_id: dict(r.hparams) for r in search.records if isinstance(r, TrialStartRecord)}
    for number, record in audit.lines:
        if not isinstance(record, TrialStartRecord):
            continue
        if record.trial_id not in stopped:
            yield audit.wrong(number, named(record), "a trial of the audit", "one that the search stopped early")
        elif dict(record.hparams) != proposed.get(record.trial_id):
            yield audit.wrong(number, f"{named(record)}, hparams", dict(record.hparams), "as the search proposed them")
    ended = {r.trial_id for r in audit.records if isinstance(r, TrialEndRecord)}
    missing = sorted(set(drawn(cell, completed_share(search.header))) - ended)
    if missing:
        number = audit.lines[-1][0] if audit.lines else 1
        yield audit.wrong(number, "the audit's end", f"no end of {', '.join(missing)}", "one of each drawn trial")
