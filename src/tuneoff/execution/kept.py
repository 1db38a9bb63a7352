"""The weights of a search's best evaluation so far, on disk, for keep=winner.

A worker writes the weights of each evaluation that may be the best, before it reports it: a file an evaluation, under
`<cell>/kept/`. The recorder decides, by the rule of the incumbent, and deletes the others once the better one's record is in
the log. So whenever a search is killed the incumbent of its log has its file.
"""

from __future__ import annotations

import time
from pathlib import Path

from tuneoff.records.incumbent import incumbent, takes_over
from tuneoff.records.schema import Cell, EvaluationRecord
from tuneoff.records.store import KEPT_FOLDER
from tuneoff.training.protocol import State
from tuneoff.training.state_file import write


def keep(folder: Path, trial_id: str, weights: State) -> str:
    """Writes the file; returns its name, to be recorded with the evaluation."""
    name = f"{trial_id}-{time.time_ns()}.safetensors"
    write(weights, folder / name)
    return name


def kept_weights(cell: Cell) -> KeptWeights:
    """The weights kept of a search that begins or goes on from this log."""
    best = incumbent(cell) if cell.evaluations else None
    return KeptWeights(cell.path / KEPT_FOLDER, cell.header.metric, best)


class KeptWeights:
    """best: the incumbent of earlier sessions. What they left of other evaluations is deleted: its records never reached the
    log."""

    def __init__(self, folder: Path, metric: str, best: EvaluationRecord | None) -> None:
        self._folder, self._metric, self._best = folder, metric, best
        for path in folder.glob("*"):
            if best is None or path.name != best.kept:
                path.unlink(missing_ok=True)

    def recorded(self, record: EvaluationRecord) -> None:
        """An evaluation is in the log: of two the better one's weights stay."""
        loser: EvaluationRecord | None = record
        if takes_over(record, self._best, self._metric):
            loser, self._best = self._best, record
        if loser is not None and loser.kept is not None:
            (self._folder / loser.kept).unlink(missing_ok=True)
