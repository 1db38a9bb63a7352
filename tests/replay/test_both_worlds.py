"""A search that runs for real and one that is replayed on the same curves decide the same."""

from __future__ import annotations

import shutil

import pytest

from tests.end_to_end.command import command
from tests.extending.curve_engine import CurveTrainer
from tests.extending.test_trainer import HERE
from tuneoff.algorithms.configuration import AlgorithmConfig
from tuneoff.algorithms.contracts import SearchContext
from tuneoff.algorithms.search import build
from tuneoff.config.parts import parse_domain
from tuneoff.records.schema import TrialStartRecord
from tuneoff.records.store import find_cells, load_cell
from tuneoff.replay.simulate import Setting, simulate
from tuneoff.replay.world import Curve, Replay
from tuneoff.seeds import trial_seed
from tuneoff.space import SearchSpace

ALGORITHMS = ("grid", "random", "random_asha", "hyperopt")
EPOCHS, BUDGET = 3, 12

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """One slot: with more, who finishes first is the machine's affair."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(HERE / "curve_engine.py", folder)
    given = ("--config-dir", str(HERE / "conf"), "engine=curve", "space=curve", f"results={folder / 'results'}", "view=quiet")
    searches = ("-m", f"algorithm={','.join(ALGORITHMS)}", f"budget=epochs:{BUDGET}", "resources.slots=1")
    done = command("run", *given, *searches, PYTHONPATH=f"{folder}")
    assert done.returncode == 0, done.stderr[-3000:]
    return {cell.header.algorithm: cell for cell in map(load_cell, find_cells(folder))}


class SameCurves(Replay):
    """What the made-up engine does with the seed and the values of a trial."""

    def __init__(self, space, seed):
        self.space, self.seed = space, seed

    def curve(self, number, point):
        trainer = CurveTrainer(per_epoch=1, wants_test=lambda _: True)
        values = {"num_epochs": EPOCHS, **point}
        evaluations = list(trainer.start(values, seed=trial_seed(self.seed, f"t{number:03d}")))
        n = len(evaluations)
        return Curve(
            validation=[e.validation.metrics["skill"] for e in evaluations],
            test=[e.test.metrics["skill"] for e in evaluations],
            train_seconds=[1.0] * n,
            evaluate_seconds=[0.0] * n,
            test_seconds=[0.0] * n,
            row=number,
        )


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_search_decides_the_same_in_both_worlds(cells, name):
    cell = cells[name]
    header = cell.header
    space = SearchSpace({key: parse_domain(key, domain) for key, domain in header.space.items()})
    context = SearchContext(
        space=space, seed=header.seeds["search"], slots=1, max_epochs=EPOCHS, defaults={}, evaluations_per_epoch=1
    )
    algorithm = AlgorithmConfig.from_dict({**header.config["algorithm"], "trials": BUDGET})
    search, events = build(algorithm, context), []
    outcome = simulate(
        search,
        SameCurves(space, header.seeds["training"]),
        Setting(slots=1, evaluations_per_epoch=1, epochs=BUDGET),
        length_of=lambda point: int(point.get("num_epochs", EPOCHS)),
        listen=lambda *event: events.append(event),
    )
    trained = {record.trial_id for record in cell.evaluations}
    started = [r.hparams for r in cell.records if isinstance(r, TrialStartRecord) and r.trial_id in trained]
    evaluated = [trial for kind, trial, _ in events if kind == "evaluated"]
    assert [dict(point) for point in search.history.tried] == started, "Ray asks for one more, for which no budget is left"
    assert evaluated == [record.trial_id for record in cell.evaluations]
    assert outcome.incumbents[-1].validation == max(r.validation.metrics["skill"] for r in cell.evaluations)
    stopped = {record.trial_id for record in cell.trial_ends if record.status == "stopped"} & trained
    assert {trial for kind, trial, _ in events if kind in ("stopped", "cut")} == stopped
