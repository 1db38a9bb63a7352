"""The model of a user's Trainer with the weights of a trial, as a folder that from_pretrained reads."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from tuneoff.training.hf.build import Maker, make_trainer
from tuneoff.training.hf.probe import inside, quiet
from tuneoff.training.hf.state import put_weights
from tuneoff.training.protocol import State, Values


def export(maker: Maker, values: Values, state: State, *, seed: int, folder: Path) -> None:
    """Their function makes the Trainer once more, for the winner's hyperparameters; its model is given the weights. A tokenizer
    is written where the Trainer has one (`processing_class`)."""
    with tempfile.TemporaryDirectory(prefix="tuneoff-") as scratch, quiet():
        trainer = make_trainer(maker, values, seed=seed, output=partial(inside, folder=scratch), use_cpu=True).trainer
        put_weights(state, trainer)
        trainer.model.save_pretrained(str(folder))
        if hasattr(trainer.processing_class, "save_pretrained"):
            trainer.processing_class.save_pretrained(str(folder))
