"""One row an evaluation: columns trial, step, validation, test, optionally seconds (of the interval) and status; every other
column is a hyperparameter. Columns can be named otherwise: validation=COLUMN and so on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tuneoff.replay.foreign import ForeignTrial, Options
from tuneoff.replay.table import TableError
from tuneoff.space import Value

STATUS = "status"
"""completed (or nothing), stopped or failed."""


def read(path: Path, options: Options) -> list[ForeignTrial]:
    return trials_of(pd.read_csv(path), path, options)


def trials_of(frame: pd.DataFrame, path: Path, options: Options) -> list[ForeignTrial]:
    for needed in (options.trial, options.validation):
        if needed not in frame.columns:
            raise TableError(f"{path} has no column {needed!r}; there are {', '.join(map(str, frame.columns))}")
    special = {options.trial, options.step, options.validation, options.test, options.seconds, STATUS}
    hparams = [str(column) for column in frame.columns if column not in special and not frame[column].isna().any()]
    found = []
    for _, group in frame.groupby(options.trial, sort=False):
        ordered = group.sort_values(options.step, kind="stable") if options.step in group else group
        scored = ordered[ordered[options.validation].notna()]
        status = str(ordered[STATUS].iloc[-1]) if STATUS in ordered else ""
        found.append(
            ForeignTrial(
                hparams={name: _plain(ordered[name].iloc[0]) for name in hparams},
                validation=tuple(map(float, scored[options.validation])),
                test=_column(scored, options.test),
                seconds=_column(scored, options.seconds),
                stopped=status == "stopped",
                failed=status in ("failed", "diverged", "crashed"),
            )
        )
    return found


def _column(frame: pd.DataFrame, name: str) -> tuple[float, ...]:
    """Its values, or nothing where the column or one of them is missing."""
    return tuple(map(float, frame[name])) if name in frame and frame[name].notna().all() else ()


def _plain(value: object) -> Value:
    plain = value.item() if hasattr(value, "item") else value
    return plain if isinstance(plain, int | float | str) and not isinstance(plain, bool) else str(plain)
