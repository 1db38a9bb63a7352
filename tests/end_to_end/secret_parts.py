"""An engine and a tracker that are given secrets, use them, and talk about them as other people's code does."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace

from tests.extending.curve_engine import CurveEngine, CurveRecipe, CurveTrainer
from tests.extending.own_tracker import Lines
from tuneoff.plugins import register

EXPECTED = "HASHES_OF_WHAT_WAS_PLANTED"
FAST = 0.3
"""Trials with a greater speed fail."""


def must_be_true(value: str) -> None:
    """The run itself works with what the user gave, not with what is recorded."""
    assert hashlib.sha256(value.encode()).hexdigest() in os.environ[EXPECTED], "another value than was given"


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    hub_token: str
    store: str


@dataclass(frozen=True)
class SecretTrainer(CurveTrainer):
    settings: EngineSettings

    def start(self, hparams, *, seed, state=None):
        must_be_true(self.settings.hub_token)
        if hparams["speed"] > FAST:
            keys = {name: os.environ[name] for name in ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY")}
            raise ConnectionError(f"refused with {self.settings}\nand {keys}")
        return super().start(hparams, seed=seed, state=state)


@dataclass(frozen=True)
class SecretRecipe(CurveRecipe):
    settings: EngineSettings

    def build(self, environment, kept):
        return SecretTrainer(self.per_epoch, environment.wants_test, self.settings)


@register("engine", "secret")
class SecretEngine(CurveEngine):
    Settings = EngineSettings

    def prepare(self, request, earlier=None):
        recipe, store = SecretRecipe(request.training.evaluations_per_epoch, self.settings), self.settings.store
        made = super().prepare(request, earlier)
        facts = {**made.facts, "source": f"read from {store}", "cautions": (f"the rows at {store} are few",)}
        return replace(made, facts=facts, make_recipe=lambda facts, share: recipe)


@dataclass(frozen=True, kw_only=True)
class TrackerSettings:
    file: str = "lines.txt"
    api_key: str | None = None


@register("tracker", "secret_lines")
class SecretLines(Lines):
    Settings = TrackerSettings

    def __init__(self, settings, place):
        super().__init__(settings, place)
        must_be_true(settings.api_key)

    def begin_search(self, search):
        self.lines.append(f"{search}\n")

    def trial_ended(self, event):
        self.lines.append(f"{event}\n")

    def search_state(self, state):
        self.lines.append(f"{state}\n")
