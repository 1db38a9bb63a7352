"""What Optuna loads from the exported storage, and that our own replay reads it too."""

from __future__ import annotations

import pytest

from tuneoff.commands.track import main
from tuneoff.records.incumbent import best_score
from tuneoff.records.schema import COMPLETED, STOPPED

optuna = pytest.importorskip("optuna", reason="optuna is not installed (the extra optuna)")


def test_a_study_is_one_optuna_study_a_search(study, cells, tmp_path, capsys):
    file = tmp_path / "copy.db"
    assert main([str(study), "--optuna", str(file)]) == 0
    storage = f"sqlite:///{file}"
    assert len(optuna.study.get_all_study_names(storage)) == len(cells)
    for algorithm, cell in cells.items():
        loaded = optuna.load_study(study_name=f"{study.name}/entail-micro/{algorithm}/repeat-0", storage=storage)
        complete = [t for t in loaded.trials if t.state == optuna.trial.TrialState.COMPLETE]
        states = {COMPLETED: "COMPLETE", STOPPED: "PRUNED"}
        assert {t.user_attrs["trial"]: t.state.name for t in loaded.trials} == {
            e.trial_id: states[e.status] for e in cell.trial_ends
        }
        assert loaded.best_value == max(t.value for t in complete)
        assert max(v for t in loaded.trials for v in t.intermediate_values.values()) == best_score(cell)
        for trial in loaded.trials:
            own = [e for e in cell.evaluations if e.trial_id == trial.user_attrs["trial"]]
            assert trial.intermediate_values == {e.evaluation: e.validation.metrics["accuracy"] for e in own}
            assert trial.user_attrs["examples"] == [e.examples_seen for e in own]
            proposed = trial.user_attrs["proposed"]
            assert trial.params["learning_rate"] == (own[-1].hparams if own else proposed)["learning_rate"]
            assert trial.user_attrs["cost/device_seconds"] == pytest.approx(sum(e.cost.seconds for e in own), rel=0.05)
            assert trial.user_attrs["test accuracy"] == [e.test.metrics["accuracy"] if e.test else None for e in own]
            assert trial.distributions["learning_rate"].log == cell.header.space["learning_rate"]["log"]
    capsys.readouterr()
    assert main([str(study), "--optuna", storage]) == 0
    assert "0 searches written, 2 were there" in capsys.readouterr().out
