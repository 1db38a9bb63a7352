"""An engine from outside the repository, in no way a neural network, through every search, kills and copies included."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command import command
from tuneoff.records.store import find_cells, load_cell

HERE = Path(__file__).parent
ALGORITHMS = ("default", "grid", "random", "random_asha", "bayesopt", "hyperopt", "pbt")
BUDGET_EPOCHS = 12.0

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """One command from a folder of the user's own, which holds the module and its YAML."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(HERE / "curve_engine.py", folder)
    given = ("--config-dir", str(HERE / "conf"), "engine=curve", "space=curve", f"results={folder / 'results'}", "view=quiet")
    searches = ("-m", f"algorithm={','.join(ALGORITHMS)}", f"budget=epochs:{BUDGET_EPOCHS:g}", "retrain=1", "resources.slots=2")
    done = command("run", *given, *searches, timeout=900, PYTHONPATH=f"{folder}")
    assert done.returncode == 0, done.stderr[-3000:]
    return {cell.header.algorithm: cell for cell in map(load_cell, find_cells(folder))}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_search_runs_on_a_made_up_curve(cells, algorithm):
    cell = cells[algorithm]
    assert cell.header.status == "finished"
    assert cell.header.metric == "skill"
    assert {end.status for end in cell.trial_ends} <= {"completed", "stopped"}
    assert sum(e.cost.train_examples for e in cell.evaluations) <= BUDGET_EPOCHS * cell.header.data["n_train"]
    assert all(set(e.hparams) == {"num_epochs", "speed"} for e in cell.evaluations)


def test_a_population_copies_its_states_and_a_mutated_value_acts_at_once(cells):
    by_key = {(e.trial_id, e.evaluation): e for e in cells["pbt"].evaluations}
    copies = [e for e in cells["pbt"].evaluations if e.parent_trial_id is not None]
    assert copies
    for copy in copies:
        donor = by_key[copy.parent_trial_id, copy.parent_evaluation]
        skill = donor.validation.metrics["skill"]
        assert copy.epoch == donor.epoch + 1
        grown = skill + copy.hparams["speed"] * (1 - skill)
        assert copy.validation.metrics["skill"] == pytest.approx(grown, abs=0.04), "within the luck of two draws"


def test_the_document_shows_the_file():
    text = (HERE.parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"`tests/extending/(\w+\.py)`[^\n]*:\n```python\n(.*?)```", text, re.DOTALL))
    assert shown["curve_engine.py"] == (HERE / "curve_engine.py").read_text(encoding="utf-8")
    assert len(shown["curve_engine.py"].splitlines()) < 60
