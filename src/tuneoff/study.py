"""One search from start to finish: a cell under results/, one Ray Tune run, one recorder."""

from __future__ import annotations

import logging
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.update({
    "RAY_CHDIR_TO_TRIAL_DIR": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a failed trial reports no score, and none is invented
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_MAX_PENDING_TRIALS_PG": "2", "TUNE_RESULT_BUFFER_LENGTH": "1"})

import ray
from ray import tune

from tuneoff import board as boards
from tuneoff.algorithms.base import MODE, SCORE, Plan, SearchContext, build
from tuneoff.config import ConfigError, RunConfig, available_cores
from tuneoff.errors import UserError
from tuneoff.finetune import RESUME_EXAMPLES
from tuneoff.numbering import NumberingSearcher
from tuneoff.prepare import Prepared, prepare
from tuneoff.provenance import PROTOCOL_VERSION, command_line, git, hardware, now_utc, versions
from tuneoff.record import (
    HEADER_FILE,
    LOG_FILE,
    SCHEMA_VERSION,
    Header,
    LogWriter,
    Record,
    SessionEndRecord,
    SessionStartRecord,
    read_header,
    write_header,
)
from tuneoff.recorder import Recorder, settle
from tuneoff.seeds import derive
from tuneoff.trial import Trial, TrialInputs

RUNTIME_FOLDER = "ray"
"""Ray Tune's own files, inside the cell while the search runs."""


class StudyError(UserError):
    """A cell that stands in the way, or a search that came to nothing."""


@dataclass(frozen=True, kw_only=True)
class Slots:
    """count: trials at once. devices: what is held, and charged, for the whole search."""

    count: int
    devices: int
    device_kind: str


@dataclass(frozen=True, kw_only=True)
class Listener:
    """What a live view is told. Each is called in the driver, between Ray's events."""

    began: Callable[[RunConfig, Header, Slots, int], None] = lambda *_: None
    record: Callable[[Record], None] = lambda _: None
    ended: Callable[[], None] = lambda: None


def finished(config: RunConfig) -> bool:
    """Whether the cell is there and complete. StudyError where one of another configuration stands in its place."""
    cell = config.cell
    if not (cell / HEADER_FILE).exists():
        return False
    header = read_header(cell)
    ways = f"study={config.study}-2 (or any new name), or delete {cell}"
    if header.config_hash != config.hash:
        raise StudyError(f"study={config.study} already has {config.algorithm.name}, repeat {config.repeat}, under another "
                         f"configuration, and results are never overwritten: {ways}")
    if header.status != "finished":
        raise StudyError(f"study={config.study} has an unfinished {config.algorithm.name}, repeat {config.repeat}: {ways}")
    return True


def run(config: RunConfig, listener: Listener) -> Path:
    """Runs the search and returns its cell. UserError before Ray starts where the input is bad."""
    build(config.algorithm, _context(config, slots=1))  # what does not fit the space is said before data is read
    prepared = prepare(config)
    slots = _slots(config, prepared.device)
    plan = build(config.algorithm, _context(config, slots.count))
    cell = config.cell
    header = _header(config, prepared)
    _start_ray(config)
    write_header(cell, header)
    with LogWriter(cell) as writer:
        board = boards.create()
        recorder = Recorder(cell, writer, board, time.monotonic(), listener.record)
        listener.began(config, header, slots, plan.num_trials)
        recorder.write(SessionStartRecord(session=1, time_utc=now_utc(), elapsed_seconds=0.0, devices=slots.devices,
                                          device_kind=slots.device_kind))
        status, reason = "interrupted", ""
        try:
            _fit(config, prepared, plan, board, recorder)
            status, reason = recorder.outcome()
        finally:
            recorder.write(SessionEndRecord(session=1, time_utc=now_utc(), elapsed_seconds=recorder.elapsed_seconds,
                                            status=status, reason=reason))
            listener.ended()
        assert settle(board) == 0, "a checkpoint was left behind"
        ray.kill(board)
    write_header(cell, replace(header, status=status))
    shutil.rmtree(cell / RUNTIME_FOLDER, ignore_errors=True)
    if status == "failed":
        raise StudyError(f"no trial of {config.algorithm.name} came to a score: {reason}. See {cell / 'errors'}")
    return cell


def _fit(config: RunConfig, prepared: Prepared, plan: Plan, board: Any, recorder: Recorder) -> None:
    inputs = TrialInputs(
        base=prepared.base, train=prepared.train, validation=prepared.validation, test=prepared.test,
        n_labels=len(prepared.task.label_names), metrics=prepared.task.metrics, hparams=config.hparams,
        seed=derive(config.seed, config.repeat)["training"], device=prepared.device,
        threads=config.resources.cpus_per_trial, bf16=prepared.bf16,
        evaluations_per_epoch=config.training.evaluations_per_epoch, bucket_lengths=config.training.bucket_lengths,
        evaluation_batch_size=config.training.evaluation_batch_size, resume=RESUME_EXAMPLES,
        checkpoints=plan.checkpoints, board=board)
    gpus = config.resources.gpus_per_trial if prepared.device == "cuda" else 0
    trainable = tune.with_resources(tune.with_parameters(Trial, inputs=inputs),
                                    {"CPU": config.resources.cpus_per_trial, "GPU": gpus})
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(metric=SCORE, mode=MODE, search_alg=NumberingSearcher(plan.searcher),
                                    scheduler=plan.scheduler, num_samples=plan.num_samples, reuse_actors=True),
        run_config=tune.RunConfig(
            name=RUNTIME_FOLDER, storage_path=str(config.cell), verbose=0, callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=0, fail_fast=False),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=plan.keep_checkpoints)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner.fit()


def _context(config: RunConfig, slots: int) -> SearchContext:
    defaults = {name: getattr(config.hparams, name) for name in config.space.domains}
    return SearchContext(space=config.space, seed=derive(config.seed, config.repeat)["search"], slots=slots,
                         max_epochs=config.max_epochs, defaults=defaults,
                         evaluations_per_epoch=config.training.evaluations_per_epoch)


def _slots(config: RunConfig, device: str) -> Slots:
    """As many trials at once as fit, or as asked for where that fits. ConfigError where it does not."""
    resources = config.resources
    if resources.address is not None:
        _start_ray(config)
        total = ray.cluster_resources()
        cores, gpus = int(total.get("CPU", 0)), int(total.get("GPU", 0))
    else:
        import torch
        cores, gpus = available_cores(), torch.cuda.device_count()
    fit = cores // resources.cpus_per_trial
    if device == "cuda":
        fit = min(fit, math.floor(gpus / resources.gpus_per_trial + 1e-9))
    if fit < 1 or (resources.slots or 1) > fit:
        raise ConfigError(
            f"resources.slots is {resources.slots or 1} with cpus_per_trial={resources.cpus_per_trial}"
            + (f" and gpus_per_trial={resources.gpus_per_trial}" if device == "cuda" else "")
            + f", but there are {cores} cores" + (f" and {gpus} GPUs" if device == "cuda" else "")
            + f": at most {fit} trials fit at once")
    count = resources.slots or fit
    held = count * (resources.gpus_per_trial if device == "cuda" else resources.cpus_per_trial)
    return Slots(count=count, devices=math.ceil(held - 1e-9), device_kind="gpu" if device == "cuda" else "cpu")


def _start_ray(config: RunConfig) -> None:
    """One runtime per process: a sweep over algorithms and repeats reuses it."""
    if ray.is_initialized():
        return
    logging.getLogger("ray").setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR,
                             "configure_logging": True}
    if config.resources.address is not None:
        ray.init(address=config.resources.address, log_to_driver=False, logging_level=logging.ERROR)
        return
    ray.init(num_cpus=available_cores(), **quiet)


def _header(config: RunConfig, prepared: Prepared) -> Header:
    return Header(
        schema_version=SCHEMA_VERSION, protocol_version=PROTOCOL_VERSION, study=config.study, task=config.task.name,
        model=config.model.name, algorithm=config.algorithm.name, repeat=config.repeat, protocol=config.protocol.name,
        metric=prepared.task.metrics[0], status="running", started_utc=now_utc(), config=config.raw,
        config_hash=config.hash, seeds=derive(config.seed, config.repeat), space=config.raw["space"],
        data=prepared.facts, price=config.price.as_dict(), versions=versions(), git=git(),
        hardware=hardware(prepared.device), command=command_line())
