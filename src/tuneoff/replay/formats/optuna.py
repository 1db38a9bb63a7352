"""An Optuna storage (SQLite): the validation score is what a trial reported at each step (its objective where it reported
nothing), the test score a user attribute of each trial: a list with a value a step, or one number.

Read with sqlite3 alone. Tables: trials, trial_params, trial_intermediate_values, trial_values, trial_user_attributes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from tuneoff.replay.foreign import ForeignTrial, Options
from tuneoff.replay.table import TableError
from tuneoff.space import Value

COMPLETE, PRUNED, FAIL = "COMPLETE", "PRUNED", "FAIL"


def read(path: Path, options: Options) -> list[ForeignTrial]:
    """TableError where the storage holds several studies: their trials need not be comparable."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        studies = [name for (name,) in connection.execute("select study_name from studies")]
        if len(studies) != 1:
            raise TableError(
                f"{path} holds {len(studies)} studies ({', '.join(studies)}), but must hold one: copy one out of it"
            )
        trials = connection.execute(
            "select trial_id, state, datetime_start, datetime_complete from trials order by number"
        ).fetchall()
        params = _params(connection)
        reported = _by_trial(connection, "select trial_id, intermediate_value from trial_intermediate_values order by step")
        final = _by_trial(connection, "select trial_id, value from trial_values order by objective")
        attributes = connection.execute(
            "select trial_id, value_json from trial_user_attributes where key = ?", (options.test,)
        ).fetchall()
    tests = {trial: _numbers(json.loads(value)) for trial, value in attributes}
    found = []
    for trial, state, start, end in trials:
        if state not in (COMPLETE, PRUNED, FAIL):
            continue
        validation = reported.get(trial) or final.get(trial, ())
        seconds = _seconds(start, end)
        found.append(
            ForeignTrial(
                hparams=params[trial],
                validation=validation,
                test=tests.get(trial, ()),
                seconds=(seconds / len(validation),) * len(validation) if seconds and validation else (),
                stopped=state == PRUNED,
                failed=state == FAIL,
            )
        )
    return found


def _by_trial(connection: sqlite3.Connection, query: str) -> dict[int, tuple[float, ...]]:
    found: dict[int, list[float]] = defaultdict(list)
    for trial, value in connection.execute(query):
        if value is not None:
            found[trial].append(float(value))
    return {trial: tuple(values) for trial, values in found.items()}


def _params(connection: sqlite3.Connection) -> dict[int, dict[str, Value]]:
    """Categorical values are stored by position, in the order of their distribution's choices."""
    found: dict[int, dict[str, Value]] = defaultdict(dict)
    for trial, name, value, distribution in connection.execute(
        "select trial_id, param_name, param_value, distribution_json from trial_params"
    ):
        kind = json.loads(distribution)
        if "choices" in kind["attributes"]:
            chosen = kind["attributes"]["choices"][int(value)]
            found[trial][name] = (
                chosen if isinstance(chosen, int | float | str) and not isinstance(chosen, bool) else str(chosen)
            )
        else:
            found[trial][name] = int(value) if "Int" in kind["name"] else float(value)
    return found


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, list) else (float(value),)


def _seconds(start: str | None, end: str | None) -> float | None:
    if start is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
