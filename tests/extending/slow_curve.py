"""The made-up curve with a pause before each evaluation, so that a search on it can be killed in between."""

import time
from contextlib import suppress
from dataclasses import dataclass

from tests.extending.curve_engine import CurveEngine, CurveRecipe, CurveTrainer
from tuneoff.plugins import register

PAUSE_SECONDS = 0.1


class SlowTrainer(CurveTrainer):
    def start(self, hparams, *, seed, state=None):
        trial, changed = super().start(hparams, seed=seed, state=state), None
        with suppress(StopIteration):
            while True:
                time.sleep(PAUSE_SECONDS)
                changed = yield trial.send(changed)


@dataclass(frozen=True)
class SlowRecipe(CurveRecipe):
    def build(self, environment, kept):
        return SlowTrainer(self.per_epoch, environment.wants_test)


@register("engine", "slow_curve")
class SlowEngine(CurveEngine):
    recipe = SlowRecipe
