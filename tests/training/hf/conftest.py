"""The script's Trainer as an engine sees it, without Ray."""

import pytest
import torch

from tests.training.hf.rows import write_rows
from tuneoff.training.hf.build import Maker
from tuneoff.training.hf.make import load, signature_of
from tuneoff.training.hf.scores import Objective
from tuneoff.training.hf.trial import HfTrainer, Job
from tuneoff.training.protocol import Environment

SCRIPT = "tests.training.hf.glue_script:make_trainer"


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return str(write_rows(tmp_path_factory.mktemp("rows")))


@pytest.fixture
def hparams(data, tmp_path, monkeypatch):
    """The values of a trial. The script writes into the working directory."""
    monkeypatch.chdir(tmp_path)
    fixed = {"num_epochs": 2, "batch_size": 16, "learning_rate": 1e-3, "weight_decay": 0.01}
    return {**fixed, "data_dir": data, "hidden_dropout": 0.1, "more": ""}


def trainer_of(make=SCRIPT, *, metric="accuracy", direction="maximise", points=1, **environment):
    """make: the name of a function, or the function itself."""
    if isinstance(make, str):
        maker = Maker(make=load(make), name=make, signature=signature_of(make))
    else:
        from tuneoff.training.hf.make import hand_over

        name = hand_over(make)
        maker = Maker(make=make, name=name, signature=signature_of(name))
    objective = Objective(metric=metric, direction=direction)
    return HfTrainer(Job(maker=maker, objective=objective, points=points, environment=Environment(**environment)))


def trained(trainer, hparams, **more):
    """All evaluations of a trial, each with its state where it goes on."""
    found = []
    for evaluation in trainer.start(hparams, **{"seed": 7, **more}):
        found.append((evaluation, None if evaluation.done else evaluation.capture()))
    return found
