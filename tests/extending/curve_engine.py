"""An engine from outside the repository that is in no way a neural network: a made-up learning curve."""

from dataclasses import dataclass

import numpy as np

from tuneoff.evaluation import Cost, Score
from tuneoff.hparams import Hyperparameter, Hyperparameters
from tuneoff.plugins import register
from tuneoff.training.protocol import Engine, Evaluation, Prepared, Recipe, State, Trainer

N = 100  # examples of an epoch


def score(value):
    return Score(metrics={"skill": value}, loss=1 - value, n_examples=50, predicted_counts=(25, 25))


@dataclass(frozen=True)
class CurveTrainer(Trainer):
    """Skill grows by `speed` x what is left of it; an unlucky draw of the seed costs a little."""

    per_epoch: int
    wants_test: object

    def start(self, hparams, *, seed, state=None):
        numbers, seen = (dict(state.numbers), state.examples_seen) if state else ({"skill": 0.0, "seed": seed}, 0)
        while seen < hparams["num_epochs"] * N:
            numbers["skill"] += hparams["speed"] * (1 - numbers["skill"]) / self.per_epoch
            seen += N // self.per_epoch
            value = round(numbers["skill"] - 0.02 * np.random.default_rng([numbers["seed"], seen]).random(), 6)
            progress = {"examples_seen": seen, "epoch": seen / N}
            saved = State(arrays={}, numbers=dict(numbers), **progress)
            test = score(value - 0.01) if self.wants_test(value) else None
            done, cost = seen >= hparams["num_epochs"] * N, Cost(train_examples=N // self.per_epoch)
            result = {"validation": score(value), "test": test, "cost": cost, "done": done}
            changed = yield Evaluation(hparams=dict(hparams), capture=lambda saved=saved: saved, **progress, **result)
            hparams = changed or hparams


@dataclass(frozen=True)
class CurveRecipe(Recipe):
    per_epoch: int

    def build(self, environment, kept):
        return CurveTrainer(self.per_epoch, environment.wants_test)


@register("engine", "curve")
class CurveEngine(Engine):
    epochs = Hyperparameter(name="num_epochs", default=3, low=1, high=100, whole=True, rule="from 1 to 100")
    speed = Hyperparameter(name="speed", default=0.1, low=0.0, high=1.0, rule="from 0 to 1", mutable=True)
    hyperparameters = Hyperparameters(epochs, speed)
    recipe = CurveRecipe

    def prepare(self, request, earlier=None):
        recipe, facts = self.recipe(request.training.evaluations_per_epoch), {"name": "curve", "n_train": N}
        return Prepared(facts=facts, metrics=("skill",), device="cpu", make_recipe=lambda facts, share: recipe)
