"""A retraining against its search: the winner's hyperparameters, at each point of its schedule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tuneoff.records.recipe import schedule_of
from tuneoff.records.schema import Cell
from tuneoff.verification.discrepancy import Discrepancy, Log, named


def check_retraining(search: Log, again: Log) -> Iterator[Discrepancy]:
    """Every interval is trained under the values that the winner's schedule has where it begins, see PROTOCOL.md, 10."""
    if not any(True for _ in search.evaluations) or not again.ours:
        return
    schedule = schedule_of(Cell(path=Path(search.file).parent, header=search.header, records=search.records))
    seen: dict[str, int] = {}
    for number, record in again.evaluations:
        wanted = schedule.at(seen.get(record.trial_id, 0))
        for name in search.header.space:
            if name in record.hparams and name in wanted and record.hparams[name] != wanted[name]:
                place = f"{named(record)}, hparams.{name}"
                yield again.wrong(number, place, record.hparams[name], f"{wanted[name]}, as the search's winner")
        seen[record.trial_id] = record.examples_seen
