"""The Ray Tune run of one search."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray import tune
from ray.air._internal import usage
from ray.tune.execution import class_cache

from tuneoff.algorithms.search import Search
from tuneoff.config import RunConfig
from tuneoff.execution.controller import Trial, controlling
from tuneoff.execution.messages import MODE, SCORE, SessionInputs
from tuneoff.execution.ray_scheduler import RayScheduler
from tuneoff.execution.ray_searcher import RaySearcher
from tuneoff.execution.recorder import Recorder, StopWhenLost
from tuneoff.execution.runtime import Slots
from tuneoff.execution.worker_slots import WorkerSlots
from tuneoff.records.store import RUNTIME_FOLDER
from tuneoff.redaction import variable_holds_a_secret

REFERENCES_FOLDER = "references"
"""In RUNTIME_FOLDER: the checkpoints that Ray carries."""
WORKER_RETRIES = 2
"""How often a trial goes on after its process died; exceptions of the trainer are not tried again."""


def fit(
    config: RunConfig,
    *,
    inputs: SessionInputs,
    workers: tuple[Any, ...],
    search: Search,
    searcher: RaySearcher,
    scheduler: RayScheduler,
    recorder: Recorder,
    slots: Slots,
    ended: int,
) -> None:
    """Runs Ray Tune until the search ends. ended: how many trials earlier sessions ended.

    With a population Ray is promised one trial more than there are: the searcher itself ends the search, after its last trial,
    because Ray stops reusing workers (at each copy) once it has got all of its samples.
    """
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots.count)  # Ray's default with a searcher is to start one after the other
    trials = max(search.num_trials + search.population - ended, 1)
    logging.getLogger("ray.tune.execution.experiment_state").setLevel(logging.CRITICAL)  # its snapshots are of no use to us
    logging.getLogger("ray.tune.tune").setLevel(logging.CRITICAL)  # what failed is in our own summary
    stored = ray.put(inputs)
    for worker in workers:
        worker.prepare.remote(stored)  # while Ray Tune starts; where it fails, the first trial says so
    given = WorkerSlots(workers, stored, inputs.hang_seconds, lost=recorder.lose, starts=scheduler.starts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner = tune.Tuner(
            Trial,
            tune_config=tune.TuneConfig(
                metric=SCORE, mode=MODE, search_alg=searcher, scheduler=scheduler, num_samples=trials, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                name=RUNTIME_FOLDER,
                storage_path=str(config.cell),
                verbose=0,
                callbacks=[recorder],
                stop=StopWhenLost(recorder),
                failure_config=tune.FailureConfig(max_failures=WORKER_RETRIES, fail_fast=False),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with _without_usage_tags(), _without_keys(), controlling(given):
            tuner.fit()


@contextmanager
def _without_keys() -> Iterator[None]:
    """Ray Tune hands AWS's keys on to its trials, and Ray writes what it hands on into logs that everybody on the machine can
    read. Processes on this machine have the environment anyway."""
    names = class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.ENV_VARS_TO_PROPAGATE = {name for name in names if not variable_holds_a_secret(name)}
    try:
        yield
    finally:
        class_cache.ENV_VARS_TO_PROPAGATE = names


@contextmanager
def _without_usage_tags() -> Iterator[None]:
    """For its usage statistics, which are off, Ray Tune imports each tracker that is installed: MLflow alone takes a second."""
    tag = usage.tag_callbacks
    usage.tag_callbacks = lambda callbacks: False  # noqa: ARG005
    try:
        yield
    finally:
        usage.tag_callbacks = tag
