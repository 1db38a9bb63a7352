"""The Trainer that is made for tasks of ours: transformers' loss is that of the task's kind."""

from __future__ import annotations

import numpy as np
import pytest

from tests.task.glue_files import write
from tuneoff.model.settings import ModelSettings
from tuneoff.space import Float, SearchSpace
from tuneoff.task import ProtocolSettings, TaskError, TaskSettings, load_task
from tuneoff.task.kinds import scoring_of
from tuneoff.training.hf.sequence_pairs import make_trainer
from tuneoff.training.protocol import Request
from tuneoff.training.settings import TrainingSettings


def settings(folder, kind):
    if kind != "tags":
        write(folder, kind)
        return {"kind": kind, "files": str(folder)}
    (folder / "t.csv").write_text("text,a,b\n" + "".join(f"row {i},{i % 2},{i % 3 // 2}\n" for i in range(60)))
    return {"kind": "csv", "train_file": str(folder / "t.csv"), "text_a": "text", "label": ["a", "b"]}


def request_of(task):
    return Request(
        task=task,
        protocol=ProtocolSettings(name="heldout"),
        model=ModelSettings(name="micro", source="micro", num_layers=1, max_length=16),
        training=TrainingSettings(precision="fp32"),
        hparams={},
        space=SearchSpace({"learning_rate": Float(low=1e-4, high=1e-2, log=True)}),
        seeds={"split": 0},
        device="cpu",
    )


@pytest.mark.parametrize("kind", ["cola", "mnli", "stsb", "tags"])
def test_loss_and_metrics_are_those_of_the_kind(tmp_path, kind):
    task = TaskSettings.from_dict(settings(tmp_path, kind))
    trainer, test = make_trainer(request_of(task))
    found, outputs = trainer.evaluate(test), trainer.predict(test)
    targets = np.array([row["labels"] for row in test])
    ours = scoring_of(load_task(task)).score(
        outputs.predictions, targets.astype(np.float64 if kind == "stsb" else np.int64), keep_predictions=False
    )
    assert found["eval_loss"] == pytest.approx(ours.loss, abs=1e-4)
    assert {name: found[f"eval_{name}"] for name in ours.metrics} == pytest.approx(ours.metrics)


def test_an_error_among_the_metrics_is_refused_since_their_sum_is_maximised(tmp_path):
    task = TaskSettings.from_dict({**settings(tmp_path, "stsb"), "metrics": ["pearson", "rmse"]})
    with pytest.raises(TaskError, match="engine=task_trainer maximises their sum and rmse is better when lower: leave it out"):
        make_trainer(request_of(task))
