"""A Ray Tune results folder: a folder a trial with params.json and result.json (a line an evaluation)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuneoff.replay.foreign import ForeignTrial, Options
from tuneoff.replay.table import TableError
from tuneoff.space import Value

RESULT, PARAMS, ERROR = "result.json", "params.json", "error.txt"


def read(path: Path, options: Options) -> list[ForeignTrial]:
    folders = sorted(file.parent for file in path.rglob(RESULT))
    if not folders:
        raise TableError(f"{path} holds no {RESULT}: give the folder of a Ray Tune experiment, format=ray")
    return [_trial(folder, options) for folder in folders]


def _trial(folder: Path, options: Options) -> ForeignTrial:
    lines = [json.loads(line) for line in (folder / RESULT).read_text(encoding="utf-8").splitlines() if line.strip()]
    scored = [line for line in lines if isinstance(line.get(options.validation), int | float)]
    params = folder / PARAMS
    config = (
        json.loads(params.read_text(encoding="utf-8")) if params.exists() else (lines[-1].get("config", {}) if lines else {})
    )
    tested = all(isinstance(line.get(options.test), int | float) for line in scored)
    timed = all("time_this_iter_s" in line for line in scored)
    return ForeignTrial(
        hparams={name: value for name, value in _flat(config).items() if isinstance(value, int | float | str)},
        validation=tuple(float(line[options.validation]) for line in scored),
        test=tuple(float(line[options.test]) for line in scored) if tested else (),
        seconds=tuple(float(line["time_this_iter_s"]) for line in scored) if timed else (),
        failed=(folder / ERROR).exists(),
    )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Nested settings by names joined with a slash; what is neither a number nor text is left out."""
    found: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{prefix}{name}/"))
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            found[f"{prefix}{name}"] = value
    return found
