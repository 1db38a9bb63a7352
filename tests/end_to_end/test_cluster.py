"""A sweep on a cluster, tried for real: machines without a common disk, and one that dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.cluster import ENVIRONMENT, Node, cluster
from tests.end_to_end.command import FAST, LIMIT_SECONDS, run, started
from tests.end_to_end.test_resume import cell_path, wait_for
from tuneoff.records.schema import Cell
from tuneoff.records.store import LOG_FILE, load_cell

pytestmark = pytest.mark.ray
SEARCHES = ("algorithm.trials=4", "hparams.num_epochs=3", "task.train_rows=2400", "keep=winner")


PRICES = ("price=custom", "price.per_device_hour_usd=1", "price.machines={kind-0:4}")


def scores(cell: Cell) -> dict[tuple[str, int], float]:
    return {(r.trial_id, r.evaluation): r.validation.metrics["accuracy"] for r in cell.evaluations}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The searches on one machine."""
    results = tmp_path_factory.mktemp("alone")
    done = run(results, "-m", "algorithm=random,pbt", *SEARCHES)
    assert done.returncode == 0, done.stderr
    return results


def test_a_sweep_on_machines_without_a_common_disk_equals_one_on_this_machine_and_goes_on_where_one_dies(alone, tmp_path):
    """One cluster for all of it, since it takes long to start."""
    results = tmp_path / "results"
    results.mkdir()
    with cluster(tmp_path, results, nodes=2) as (address, nodes):
        where = f"resources.address={address}"
        done = run(results, "-m", "algorithm=random,pbt", *SEARCHES, where, *PRICES, **ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        _equals_the_one_alone(results, alone)
        _lets_trials_go_on_where_a_machine_dies(results, alone, where, nodes[-1])


def _equals_the_one_alone(results: Path, alone: Path) -> None:
    far, near = load_cell(cell_path(results, "random")), load_cell(cell_path(alone, "random"))
    assert scores(far) == scores(near)
    workers = {r.worker for r in far.evaluations}
    assert len(workers) <= 2, "each machine has one core"
    population = load_cell(cell_path(results, "pbt"))
    assert workers & {r.worker for r in population.evaluations}, "they outlive a search"
    assert all(end.status == "completed" for end in (*far.trial_ends, *population.trial_ends))
    assert (cell_path(results, "random") / "model" / "model.safetensors").is_file()
    assert population.devices == 2
    assert population.header.price["per_device_hour_usd"] == 2.5, "one machine for 4 dollars, another one for 1"
    assert "1 x kind-0 at 4, 1 x others at 1" in population.header.price["note"]


def _lets_trials_go_on_where_a_machine_dies(results: Path, alone: Path, where: str, victim: Node) -> None:
    arguments = [*FAST, f"results={results}", "view=lines", "algorithm=random", *SEARCHES, where, "study=dying"]
    log = results / "dying" / "entail-micro" / "random" / "repeat-0" / LOG_FILE
    process = started(log, *arguments, **ENVIRONMENT)
    wait_for(lambda: len({r.worker for r in load_cell(log.parent).evaluations}) == 2 or process.poll() is not None)
    victim.kill()
    shown, said = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 0, said
    cell = load_cell(log.parent)
    assert [end.status for end in cell.trial_ends] == ["completed"] * 4
    assert scores(cell) == scores(load_cell(cell_path(alone, "random"))), "each evaluation once, with the score it always has"
    assert "goes on from its last evaluation, since its worker died" in shown + said
    assert "Traceback" not in said
