"""What a command can begin with before torch is there to say what this machine has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tuneoff.algorithms.search import build
from tuneoff.config import RunConfig
from tuneoff.execution.runtime import executors, find_slots, start_ray
from tuneoff.model.settings import ModelSettings
from tuneoff.records.store import must_be_free
from tuneoff.study.meters import check_energy
from tuneoff.study.plan import algorithm_and_context
from tuneoff.study.reading import read_task

GPU_DRIVER = Path("/proc/driver/nvidia")


def head_start(config: RunConfig) -> None:
    """Reads the rows, then starts Ray and its executors while a thread of this process imports torch and reads the model.

    All of it is kept for the search. Ray waits for the search where a GPU or a cluster decides what there is. UserError for
    what can be told to be wrong so early, before anything is started; what is wrong with the model the search will say.
    """
    must_be_free(config.cell)
    check_energy(config.energy)
    task, _ = read_task(config)
    build(*algorithm_and_context(config, 1, 1))
    slots = None if config.resources.address is not None or may_train_on_gpu(config) else find_slots(config, "cpu")
    with ThreadPoolExecutor(1) as aside:
        aside.submit(_load_model, config.model, len(task.label_names))
        if slots is not None:
            start_ray(config, slots)
            executors(config, slots, "cpu")


def may_train_on_gpu(config: RunConfig) -> bool:
    asked = config.resources.device
    return asked == "cuda" or (asked == "auto" and GPU_DRIVER.exists())


def _load_model(settings: ModelSettings, num_labels: int) -> Any:
    from tuneoff.study.prepare import load_model

    return load_model(settings, num_labels)
