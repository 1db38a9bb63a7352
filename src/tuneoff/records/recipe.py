"""A result of a search as something that can be trained again: which hyperparameters until which example.

A configuration is a schedule of one segment. The winner of population-based training is one of several: its own and its
ancestors', one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuneoff.hparams import HParamValue
from tuneoff.records.incumbent import incumbent
from tuneoff.records.schema import Cell, EvaluationRecord


@dataclass(frozen=True, kw_only=True)
class Segment:
    """until_examples: progress at which the next segment begins. trial_id: who trained it."""

    until_examples: int
    hparams: Mapping[str, HParamValue]
    trial_id: str


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Segments in order of progress; the last goes on to the end of its `num_epochs`."""

    segments: tuple[Segment, ...]

    def at(self, examples_seen: int) -> Mapping[str, HParamValue]:
        """The hyperparameters of the step that begins after `examples_seen` examples."""
        return next((s.hparams for s in self.segments if examples_seen < s.until_examples), self.segments[-1].hparams)

    @property
    def constant(self) -> bool:
        return all(s.hparams == self.segments[0].hparams for s in self.segments)


def lineage(records: Sequence[EvaluationRecord], last: EvaluationRecord) -> list[EvaluationRecord]:
    """The evaluations through which the weights of `last` came, first to last, over all ancestors."""
    by_key = {(r.trial_id, r.evaluation): r for r in records}
    path = [last]
    while True:
        record = path[-1]
        if record.parent_trial_id is not None:
            before = by_key.get((record.parent_trial_id, record.parent_evaluation or 0))
        else:
            before = by_key.get((record.trial_id, record.evaluation - 1))
        if before is None:
            return path[::-1]
        path.append(before)


def schedule_of(cell: Cell, last: EvaluationRecord | None = None) -> Schedule:
    """The hyperparameters of the incumbent (or of `last`), epoch by epoch; equal neighbours are joined."""
    segments: list[Segment] = []
    for record in lineage(cell.evaluations, last or incumbent(cell)):
        segment = Segment(until_examples=record.examples_seen, hparams=dict(record.hparams), trial_id=record.trial_id)
        if segments and (segments[-1].hparams, segments[-1].trial_id) == (segment.hparams, segment.trial_id):
            segments.pop()
        segments.append(segment)
    return Schedule(segments=tuple(segments))
