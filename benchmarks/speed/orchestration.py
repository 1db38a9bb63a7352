"""The cost of a trial that does nothing: our searcher, recorder, shared state and workers around an empty step."""

from __future__ import annotations

import importlib
import os
import shutil
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from benchmarks.speed.setting import SpeedError

STORE_BYTES = 100_000_000
"""Of a virtual node's object store; a no-op trial puts nothing there."""


def counts(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise SpeedError(f"--orchestration is {text!r}, but it must be whole numbers of trials, as in 10,100,1000")
    return found


def run(text: str, slots: int, nodes: int) -> list[dict[str, float]]:
    """One search of no-op trials for each count, in one Ray runtime; workers start anew in each, which is timed apart."""
    wanted = counts(text)
    folder = Path(tempfile.mkdtemp(prefix="tuneoff-orchestration-"))
    try:
        with _ray(slots, nodes):
            return [
                {"nodes": nodes, "slots": slots, **_search(count, slots, folder / str(position))}
                for position, count in enumerate(wanted)
            ]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _ray(slots: int, nodes: int) -> Iterator[None]:
    """A runtime of one machine, or a cluster of so many virtual nodes on this one beside a head that holds no worker, as the
    driver's machine in docs/scaling.md."""
    import tuneoff.execution.runtime  # noqa: F401, first: it sets what Ray and Ray Tune read from the environment, as in a search

    import ray  # isort: skip
    from ray.cluster_utils import Cluster

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if nodes == 1:
        ray.init("local", num_cpus=slots, include_dashboard=False, **quiet)
        try:
            yield
        finally:
            ray.shutdown()
        return
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=slots // nodes, object_store_memory=STORE_BYTES)
        cluster.wait_for_nodes()
        ray.init(cluster.address, **quiet)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def _search(count: int, slots: int, cell: Path) -> dict[str, float]:
    """ms_per_trial: between the first trial's end and the last one's, over the trials in between; ms_per_trial_at_end: of the
    last tenth of them. driver_cpu_ms_per_trial: of this process, Ray's threads in it included, from start to end."""
    import ray
    from ray import tune

    from benchmarks.speed.noop import NoOpActor, Numbers
    from tuneoff.algorithms.contracts import SearchContext
    from tuneoff.algorithms.schedulers.none import NoScheduler
    from tuneoff.algorithms.search import Search
    from tuneoff.execution import shared_state
    from tuneoff.execution.controller import Trial, controlling
    from tuneoff.execution.messages import MODE, SCORE
    from tuneoff.execution.ray_scheduler import RayScheduler
    from tuneoff.execution.ray_searcher import RaySearcher
    from tuneoff.execution.recorder import Recorder
    from tuneoff.execution.worker_slots import WorkerSlots
    from tuneoff.records.history import Earlier
    from tuneoff.records.schema import COMPLETED, TrialEndRecord
    from tuneoff.records.store import LOG_FILE, RUNTIME_FOLDER, LogWriter, read_log
    from tuneoff.space import Int, SearchSpace

    space = SearchSpace({"number": Int(low=0, high=2**31)})
    context = SearchContext(space=space, seed=0, slots=slots, max_epochs=1, defaults={}, evaluations_per_epoch=1)
    search = Search(Numbers(count), NoScheduler(), context)
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(slots)
    began, used = time.perf_counter(), time.process_time()
    with LogWriter(cell) as writer, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = shared_state.create(shared_state.Limits())
        recorder = Recorder(cell, writer, state, Earlier(), lambda _: None)
        hosts = tuple(ray.remote(num_cpus=1)(NoOpActor).remote(state) for _ in range(slots))
        ray.get([host.__ray_ready__.remote() for host in hosts])  # as a search's workers are, before its clock starts
        scheduler = RayScheduler(search, references=cell, snapshots=cell)
        given = WorkerSlots(hosts, ray.put(None), None, lost=recorder.lose, starts=scheduler.starts)
        tuner = tune.Tuner(
            Trial,
            tune_config=tune.TuneConfig(
                metric=SCORE,
                mode=MODE,
                search_alg=RaySearcher(search, proposed=recorder.proposed),
                scheduler=scheduler,
                num_samples=count,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name=RUNTIME_FOLDER,
                storage_path=str(cell),
                verbose=0,
                callbacks=[recorder],
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        )
        with controlling(given), _Memory() as memory:
            tuner.fit()
        for actor in (state, *hosts):
            ray.kill(actor)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    ended = [r for r in read_log(cell / LOG_FILE)[0] if isinstance(r, TrialEndRecord)]
    ends = [r.elapsed_seconds for r in ended if r.status == COMPLETED]
    if len(ends) != count:
        reasons = {r.reason for r in ended if r.status != COMPLETED}
        why = "; ".join(map(str, reasons)) or "the rest is lost"
        raise SpeedError(f"{len(ends)} of {count} no-op trials were completed: {why}")
    tenth = max(1, (count - 1) // 10)
    return {
        "trials": count,
        "seconds": seconds,
        "ms_per_trial": 1000 * (ends[-1] - ends[0]) / max(1, count - 1),
        "ms_per_trial_at_end": 1000 * (ends[-1] - ends[max(0, count - 1 - tenth)]) / tenth,
        "ms_per_trial_with_start": 1000 * seconds / count,
        "driver_cpu_ms_per_trial": 1000 * used / count,
        "driver_mb": memory.driver_mb,
    }


class _Memory(threading.Thread):
    """The most that this process had at any look: MB, resident."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self.driver_mb = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        psutil: Any = importlib.import_module("psutil")  # comes with accelerate
        here = psutil.Process()
        while True:
            self.driver_mb = max(self.driver_mb, here.memory_info().rss / 1e6)
            if self._over.wait(1.0):
                return


def markdown(points: list[dict[str, float]]) -> str:
    lines = [
        "| trials | ms a trial, warm | the last tenth of them | start-up included | CPU of the driver, ms | s in all "
        "| driver, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {p['trials']:.0f} | {p['ms_per_trial']:.1f} | {p['ms_per_trial_at_end']:.1f} "
        f"| {p['ms_per_trial_with_start']:.1f} | {p['driver_cpu_ms_per_trial']:.1f} | {p['seconds']:.1f} "
        f"| {p['driver_mb']:.0f} |"
        for p in points
    ]
    return "\n".join(lines) + "\n"


def draw(points: list[dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(5, 3), layout="constrained")
    for name, label in (
        ("ms_per_trial", "warm"),
        ("ms_per_trial_with_start", "start-up included"),
        ("driver_cpu_ms_per_trial", "CPU of the driver"),
    ):
        axes.plot([p["trials"] for p in points], [p[name] for p in points], marker="o", label=label)
    axes.set(xscale="log", yscale="log", xlabel="no-op trials in the search", ylabel="ms a trial")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
