"""A Weights & Biases history exported as CSV: a row a step, the run's configuration in columns of its own.

Run names are in `Name` or `run`, steps in `_step`, seconds since the run's start in `_runtime`; `State` says how a run ended.
Columns of the interface itself begin with an underscore and are left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from tuneoff.replay.foreign import ForeignTrial, Options
from tuneoff.replay.formats.csv import STATUS, trials_of

RUNS = ("Name", "run", "run_id", "ID", "trial")
STATES = {"finished": "completed", "crashed": "failed", "failed": "failed", "killed": "stopped", "running": "stopped"}
OWN = ("Created", "Runtime", "User", "Tags", "Notes", "Sweep", "End Time", "Updated")


def read(path: Path, options: Options) -> list[ForeignTrial]:
    frame = pd.read_csv(path)
    run = next((name for name in RUNS if name in frame.columns), options.trial)
    if "State" in frame.columns:
        frame[STATUS] = [STATES.get(str(state), str(state)) for state in frame["State"]]
    if "_runtime" in frame.columns and run in frame.columns:
        frame = frame[frame[options.validation].notna()] if options.validation in frame.columns else frame
        frame = frame.sort_values([run, "_step"] if "_step" in frame.columns else [run], kind="stable")
        before = frame.groupby(run)["_runtime"].shift(1).fillna(0.0)
        frame[options.seconds] = frame["_runtime"] - before
    if "_step" in frame.columns:
        frame[options.step] = frame["_step"]
    kept = {run, options.step, options.seconds, options.validation, options.test, STATUS}
    dropped = [c for c in frame.columns if c not in kept and (str(c).startswith("_") or c in (*OWN, *RUNS, "State"))]
    return trials_of(frame.drop(columns=dropped), path, replace(options, trial=run))
