"""The facts of a user's Trainer, found in the driver: it is made once, and a few rows are evaluated."""

from __future__ import annotations

import hashlib
import itertools
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
from torch.utils.data import Subset
from transformers.utils import logging

from tuneoff.training.hf.build import SWITCHED_OFF, Made, Maker, checked, make_trainer
from tuneoff.training.hf.make import MakeError
from tuneoff.training.hf.scores import MAXIMISE, MINIMISE, OBJECTIVE, VALIDATION, Objective, missing, numbers, without_prefix
from tuneoff.training.hf.trial import trial_folder
from tuneoff.training.protocol import Values

ROWS = 16
"""Rows of validation on which the names of the metrics are found out."""

NOTES, EXPORTS = "notes", "exports"
"""Facts that are not for the header: what was changed, in sentences; whether the model can be written as a folder."""


def probe(
    maker: Maker, values: Values, *, seed: int, metric: str | None, direction: str | None
) -> tuple[dict[str, Any], Objective]:
    """(facts for the run's header, with NOTES and EXPORTS; the number that searches maximise). Raises MakeError or ConfigError
    where the Trainer is unfit."""
    with tempfile.TemporaryDirectory(prefix="tuneoff-") as folder, quiet():
        off = {"use_cpu": True, "fp16": False, "fp16_full_eval": False}
        made = make_trainer(maker, values, seed=seed, output=partial(inside, folder=folder), **off)
        checked(maker, made, values)
        measured = _measured(made)
        objective = objective_of(made.trainer.args, metric, direction, measured)
    return {**_facts(maker, made), NOTES: _notes(made), EXPORTS: hasattr(made.trainer.model, "save_pretrained")}, objective


@contextmanager
def quiet() -> Iterator[None]:
    """Without progress bars and reports of loading: they are about no trial."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    others = sys.modules.get("datasets")
    if others is not None:
        others.disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()
        if others is not None:
            others.enable_progress_bars()


def inside(_: str, *, folder: str) -> str:
    return trial_folder(folder, name="probe")


def objective_of(arguments: Any, metric: str | None, direction: str | None, measured: Mapping[str, float]) -> Objective:
    """The metric that was asked for, else the one that the script's TrainingArguments declare. Raises MakeError where there
    is none, or an evaluation lacks it. measured: the metrics of a few rows; {} where they could not be scored."""
    listed = ", ".join(f"{VALIDATION}_{name}" for name in measured)
    if metric is None:
        metric = arguments.metric_for_best_model
        if direction is None and arguments.greater_is_better is not None:
            direction = MAXIMISE if arguments.greater_is_better else MINIMISE
    if metric is None:
        raise MakeError(
            f"engine.metric is null, and the script's TrainingArguments have no metric_for_best_model: name one of {listed}, "
            f"or {OBJECTIVE} for the sum of what compute_metrics returns"
        )
    if direction is None:
        raise MakeError(
            f"engine.direction is null, but it is not guessed from engine.metric={metric}: {MAXIMISE} or {MINIMISE}"
        )
    name = without_prefix(metric)
    if measured and name != OBJECTIVE and name not in measured:
        raise MakeError(missing(metric, measured))
    if measured and name == OBJECTIVE and set(measured) <= {"loss"}:
        raise MakeError(
            f"engine.metric is {OBJECTIVE}, but the Trainer has no compute_metrics whose results it could be the sum of"
        )
    return Objective(metric=name, direction=direction)


def _measured(made: Made) -> dict[str, float]:
    """Metrics of the first rows. {} where compute_metrics fails on so few, which is no fault."""
    trainer, dataset, prefix = made.trainer, made.trainer.eval_dataset, VALIDATION
    if isinstance(dataset, dict):
        first = next(iter(dataset))
        dataset, prefix = dataset[first], f"{VALIDATION}_{first}"
    loader = trainer.get_eval_dataloader(_head(dataset))
    with suppress(Exception):
        found = trainer.evaluation_loop(loader, "Evaluation", metric_key_prefix=prefix).metrics
        return numbers(found, VALIDATION)
    return {}


def _head(dataset: Any) -> Any:
    count = min(ROWS, len(dataset))
    return dataset.select(range(count)) if hasattr(dataset, "select") else Subset(dataset, range(count))


def _facts(maker: Maker, made: Made) -> dict[str, Any]:
    trainer = made.trainer
    validation = trainer.eval_dataset
    sets = {
        "train": [trainer.train_dataset],
        "validation": list(validation.values()) if isinstance(validation, dict) else [validation],
        "test": [made.test_dataset],
    }
    rows = {name: sum(len(one) for one in parts) for name, parts in sets.items()}
    hashes = {name: rows_sha256(parts) for name, parts in sets.items()}
    return {
        "name": maker.name,
        "source": f"engine.make={maker.name}",
        "description": "Train, validation and test are the script's own datasets.",
        "source_rows": {name: {"rows": rows[name], "sha256": hashes[name]} for name in sets},
        "split_sha256": hashlib.sha256("".join(hashes.values()).encode()).hexdigest(),
        "parts": {name: _part(name, parts, rows[name]) for name, parts in sets.items()},
        **{f"n_{name}": count for name, count in rows.items()},
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "model_source": str(getattr(getattr(trainer.model, "config", None), "_name_or_path", "")),
    }


def _part(name: str, datasets: list[Any], rows: int) -> dict[str, Any]:
    labels = _labels(datasets[0]) if len(datasets) == 1 else None
    return {"from": name, "rows": rows, "index": f"0-{rows - 1}", **_label_facts(labels)}


def rows_sha256(datasets: Iterable[Any]) -> str:
    """Over every row, in order."""
    digest = hashlib.sha256()
    for dataset in datasets:
        for row in itertools.islice(iter(dataset), len(dataset)):
            digest.update(repr(sorted(row.items()) if isinstance(row, Mapping) else row).encode())
    return digest.hexdigest()


def _labels(dataset: Any) -> np.ndarray[Any, Any] | None:
    """Whole-number labels (n,), where the rows are mappings that have them."""
    try:
        names = dataset.column_names if hasattr(dataset, "column_names") else list(dataset[0])
        name = next(name for name in ("label", "labels") if name in names)
        found = np.asarray(dataset[name][:] if hasattr(dataset, "column_names") else [row[name] for row in dataset])
    except (StopIteration, TypeError, KeyError, IndexError, ValueError):
        return None
    return found if found.ndim == 1 and np.issubdtype(found.dtype, np.integer) and found.min(initial=0) >= 0 else None


def _label_facts(labels: np.ndarray[Any, Any] | None) -> dict[str, Any]:
    if labels is None or not len(labels):
        return {}
    counts = np.bincount(labels)
    return {"label_counts": counts.tolist(), "majority_rate": float(counts.max() / len(labels))}


def _notes(made: Made) -> list[str]:
    """The changes to the script's arguments that its user may not expect, a sentence each."""
    arguments = made.trainer.args
    notes = [f"{name} is switched off: {SWITCHED_OFF[name]}" for name in made.was_on]
    if arguments.eval_strategy == "no":
        notes.append("the Trainer has eval_strategy=no: it is evaluated training.evaluations_per_epoch times an epoch")
    if arguments.save_strategy != "no":
        notes.append(
            f"the Trainer saves checkpoints of its own (save_strategy={arguments.save_strategy.value}), to a folder for each "
            "trial in its output_dir: save_strategy=no saves their time, a search does not need them"
        )
    return notes
