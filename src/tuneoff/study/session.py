"""Everything that the searches of one command need, made ready once: rows, Ray, workers, the model, the choice of a variant.

Each step is done once and handed on. Starting early means calling the first steps sooner; a sweep keeps its session.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from tuneoff.config import RunConfig
from tuneoff.config.engine import EngineConfig
from tuneoff.errors import ConfigError, UserError, first_line
from tuneoff.execution import runtime
from tuneoff.execution.faults import preparation_patience
from tuneoff.execution.files import FarFiles, LocalFiles, start_file_server
from tuneoff.execution.messages import SessionInputs
from tuneoff.execution.runtime import Slots
from tuneoff.execution.worker_pool import WorkerKind, WorkerPool
from tuneoff.price import of_machines
from tuneoff.records.store import KEPT_FOLDER, STATE_FOLDER, find_cells, must_be_free, must_be_writable, read_header
from tuneoff.seeds import derive
from tuneoff.study.hardware import hardware
from tuneoff.study.meters import check_energy
from tuneoff.study.plan import build_search
from tuneoff.training.protocol import Engine, Prepared, Rates

if TYPE_CHECKING:
    from tuneoff.algorithms.search import Search

GPU_DRIVER = Path("/proc/driver/nvidia")
PLACEMENT_SECONDS = 60.0
"""How long a cluster may keep workers waiting for a place."""


class WorkerError(UserError):
    """Workers that could not be started, or that failed in their first steps."""


class WorkerHung(UserError):
    """Workers that did not get ready in time. A trial would wait for them as long again."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A search that is ready to begin. workers: one a slot."""

    config: RunConfig
    slots: Slots
    prepared: Prepared
    workers: tuple[Any, ...]


class Session:
    """One a command. Close it at the end."""

    def __init__(self) -> None:
        self._pool = WorkerPool()
        self._file_server: Any = None
        self._engine: tuple[EngineConfig, Engine] | None = None

    def close(self) -> None:
        runtime.stop_ray()
        self._pool, self._file_server = WorkerPool(), None

    def check(self, config: RunConfig) -> None:
        """Checks all that can be checked in little time. Raises UserError where something is wrong."""
        must_be_writable(config.results.resolve())
        must_be_free(config.cell)
        check_energy(config.energy)
        search = build_search(config, slots=1, devices=1)
        engine = self.engine(config)
        if search.resume not in engine.resumes:
            raise ConfigError(
                f"algorithm.scheduler.resume is {search.resume!r}, but engine={config.engine.name} goes on from a copy by "
                f"{', '.join(engine.resumes)} only: use another engine or algorithm"
            )
        must_export(config, engine.exports)
        engine.check(config.request())

    def start_early(self, config: RunConfig) -> None:
        """Starts Ray and its workers while a thread of this process imports torch and reads the model.

        Ray waits for `ready` where a GPU or a cluster decides what there is. Raises the UserError of `check` before anything is
        started; faults of the model are left to `ready`.
        """
        self.check(config)
        decided = config.resources.address is None and not may_train_on_gpu(config)
        with ThreadPoolExecutor(1) as aside:
            aside.submit(self.engine(config).preload, config.request())
            if decided:
                self._start(config, runtime.find_slots(config, "cpu"), "cpu")

    def engine(self, config: RunConfig) -> Engine:
        """The engine of the search: the one of the search before, where it is the same."""
        if self._engine is None or self._engine[0] != config.engine:
            self._engine = config.engine, config.engine.make()
        return self._engine[1]

    def ready(self, config: RunConfig, earlier: Mapping[str, Any] | None = None) -> Ready:
        """Makes rows, Ray, workers and model ready. Raises UserError where the input is bad. earlier: facts of the search
        that is resumed."""
        device = runtime.resolve_device(config)
        slots = runtime.find_slots(config, device)
        workers = self._start(config, slots, device)  # they import what they need while this process goes on
        prepared = self.engine(config).prepare(config.request(device), earlier)
        if config.resources.address is not None:
            workers = self._pool.placed(slots.count, PLACEMENT_SECONDS)
            if len(workers) < (config.resources.slots or 1):
                raise WorkerError(
                    f"resources.address is {config.resources.address!r}, but that cluster had a place for "
                    f"{len(workers) or 'no'} worker(s) in {PLACEMENT_SECONDS:g} s: wait until it is less busy, or ask for less "
                    "with resources.slots, resources.cpus_per_trial and resources.gpus_per_trial"
                )
            slots = runtime.slots_of(config, len(workers), device)
            config = replace(config, price=of_machines(config.price, self._pool.machines))
        return Ready(config=config, slots=slots, prepared=prepared, workers=workers)

    def _start(self, config: RunConfig, slots: Slots, device: str) -> tuple[Any, ...]:
        if runtime.start_ray(config, slots):
            self._pool, self._file_server = WorkerPool(), None
        return self._pool.workers(slots.count, self._worker_kind(config, device))

    def _far(self) -> Any:
        """The process on this machine that writes and reads for workers elsewhere; one a session."""
        if self._file_server is None:
            self._file_server = start_file_server()
        return self._file_server

    def _worker_kind(self, config: RunConfig, device: str) -> WorkerKind:
        return WorkerKind(
            device=device,
            threads=config.resources.cpus_per_trial,
            gpus=runtime.gpu_share(config, device),
            modules=config.engine.kind.worker_modules,
        )

    def settled(self, ready: Ready) -> Ready:
        """Returns `ready` with a variant chosen, where the engine leaves a choice: the one of the study's other searches on
        the same hardware, else the faster one. Raises WorkerError where a worker fails."""
        prepared = ready.prepared
        if not prepared.variants:
            return ready
        known = chosen_in_study(ready.config, prepared)
        if known is None:
            seconds = {name: self._variant_seconds(ready, name) for name in prepared.variants}
            fastest = min(seconds, key=lambda name: seconds[name])
            return replace(ready, prepared=prepared.chosen(fastest, "measurement", token_seconds=seconds))
        return replace(ready, prepared=replace(prepared, facts={**prepared.facts, prepared.choice: known}, variants=()))

    def _variant_seconds(self, ready: Ready, variant: str) -> float:
        """Mean seconds per unit of work of a few steps, which all workers time at once."""
        tried = replace(ready, prepared=ready.prepared.chosen(variant, "trial"))
        inputs = self.inputs(tried, build_search(ready.config, slots=ready.slots.count, devices=ready.slots.devices))
        return statistics.fmean(_ask(ready.config, (worker.step_seconds.remote(inputs) for worker in ready.workers)))

    def measure(self, ready: Ready, search: Search) -> list[Rates]:
        """Has every worker load network and data and measure its speed. Raises WorkerError where one fails."""
        inputs = self.inputs(ready, search)
        found = _ask(ready.config, (worker.prepare.remote(inputs) for worker in ready.workers))
        return [rates for rates in found if rates is not None]

    def inputs(
        self,
        ready: Ready,
        search: Search,
        shared_state: Any = None,
        *,
        retraining: bool = False,
        keeps: bool = True,
        timed: bool = False,
    ) -> SessionInputs:
        """The inputs of every trial of a search. Large values are put into Ray's object store, once. keeps: whether the
        weights of the best evaluations are kept, where the configuration asks for it."""
        config, prepared = ready.config, ready.prepared
        files = LocalFiles(snapshots=config.cell / STATE_FOLDER, kept=config.cell / KEPT_FOLDER)
        far = config.resources.address is not None and shared_state is not None
        return SessionInputs(
            recipe=prepared.recipe(self._pool.share),
            metric=prepared.metrics[0],
            defaults=config.hparams,
            seed=derive(config.seed, config.repeat)["retraining" if retraining else "training"],
            device=prepared.device,
            threads=config.resources.cpus_per_trial,
            evaluations_per_epoch=config.training.evaluations_per_epoch,
            resume=search.resume,
            checkpoints=search.population,
            schedule=search.schedule,
            files=FarFiles(actor=self._far(), files=files) if far else files,
            snapshot_seconds=config.training.snapshot_seconds,
            test_always=retraining or config.tests_every_evaluation,
            began=time.time(),
            timed=timed,
            shared_state=shared_state,
            plugins=config.plugins,
            keeps=config.keep is not None and keeps,
            hang_seconds=config.resources.hang_seconds,
        )


def must_export(config: RunConfig, exports: bool) -> None:
    """Raises ConfigError where the winner is to be kept and the engine can't write it. exports: whether it can."""
    if config.keep is not None and not exports:
        raise ConfigError(
            f"keep is {config.keep!r}, but engine={config.engine.name} can't write its model as a folder that from_pretrained "
            "reads: leave keep=null; winner.yaml has the winner's hyperparameters all the same"
        )


def may_train_on_gpu(config: RunConfig) -> bool:
    asked = config.resources.device
    return asked == "cuda" or (asked == "auto" and GPU_DRIVER.exists())


def chosen_in_study(config: RunConfig, prepared: Prepared) -> Mapping[str, Any] | None:
    """The choice that the study's other searches on this task, model and hardware share, so that they can be compared; None
    at first."""
    here = hardware(prepared.device)
    headers = [read_header(cell) for cell in find_cells(config.cell.parents[1])]
    same = [h for h in sorted(headers, key=lambda h: h.started_utc) if h.hardware == here and h.data.get(prepared.choice)]
    return same[0].data[prepared.choice] if same else None


def _ask(config: RunConfig, calls: Iterator[Any]) -> list[Any]:
    """The workers' answers. Raises WorkerError where one fails, WorkerHung where one takes longer than it may."""
    seconds = preparation_patience(config.resources.hang_seconds)
    try:
        found: list[Any] = ray.get(list(calls), timeout=seconds)
    except GetTimeoutError as error:
        raise WorkerHung(
            f"resources.hang_seconds is {config.resources.hang_seconds}, but a worker's first training steps took longer than "
            f"{seconds:g} s: give more seconds, or null for no limit, if it does not hang"
        ) from error
    except RayError as error:
        cause = getattr(error, "cause", None) or error
        raise WorkerError(
            f"a worker's first training steps failed ({first_line(cause)}): if a step is too large for the "
            "device, make it smaller (model, model.max_length, the largest batch_size), or give "
            "resources.slots=N to have fewer at once"
        ) from error
    return found
