"""The Ray Tune run of one search."""

from __future__ import annotations

import os
import warnings
from typing import Any

from ray import tune

from tuneoff.algorithms.base import MODE, SCORE, Plan
from tuneoff.config import RunConfig
from tuneoff.execution.messages import Assignment, SessionInputs
from tuneoff.execution.numbering import NumberingSearcher
from tuneoff.execution.recorder import Recorder, StopWhenLost
from tuneoff.execution.runtime import Slots, gpu_share
from tuneoff.execution.trainable import Trial

RUNTIME_FOLDER = "ray"
"""Ray Tune's own files, inside the cell while the search runs."""
WORKER_RETRIES = 2
"""How often a trial goes on after its process died; exceptions of the trainer are not tried again."""


def fit(
    config: RunConfig,
    *,
    inputs: SessionInputs,
    workers: tuple[Any, ...],
    plan: Plan,
    searcher: NumberingSearcher,
    recorder: Recorder,
    slots: Slots,
    ended: int,
) -> None:
    """The Tune run. ended: trials that an earlier session ended."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots.count)  # Ray's default with a searcher is to start one after the other
    trials = max(plan.num_samples - ended, 1)
    for worker in workers:
        worker.prepare.remote(inputs)  # while Ray Tune starts; where it fails, the first trial says so
    assignment = Assignment(inputs=inputs, workers=workers, locks=str(config.cell / RUNTIME_FOLDER))
    held = {"CPU": config.resources.cpus_per_trial, "GPU": 0 if workers else gpu_share(config, inputs.device)}
    trainable = tune.with_resources(tune.with_parameters(Trial, assignment=assignment), held)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                metric=SCORE, mode=MODE, search_alg=searcher, scheduler=plan.scheduler, num_samples=trials, reuse_actors=True
            ),
            run_config=tune.RunConfig(
                name=RUNTIME_FOLDER,
                storage_path=str(config.cell),
                verbose=0,
                callbacks=[recorder],
                stop=StopWhenLost(recorder),
                failure_config=tune.FailureConfig(max_failures=WORKER_RETRIES, fail_fast=False),
                checkpoint_config=tune.CheckpointConfig(num_to_keep=plan.keep_checkpoints, checkpoint_at_end=False),
            ),
        )
        tuner.fit()
