"""A user's own transformers.Trainer: they name a function that makes one from hyperparameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuneoff.errors import ConfigError, check_one_of, check_text, shown
from tuneoff.hparams import Hyperparameters
from tuneoff.plugins import register
from tuneoff.training.hf.arguments import TrainerHyperparameters, declare
from tuneoff.training.hf.make import MakeError, Signature, handed_over, load, signature_of
from tuneoff.training.protocol import Engine, Environment, Kept, Prepared, Recipe, Request, Share, State, Trainer, Values

if TYPE_CHECKING:
    from tuneoff.training.hf.scores import Objective

MUST_STAY = ("source_rows", "parts")
"""Facts that may not change while a search is interrupted."""
EXAMPLE = "engine.make=my_script:make_trainer"


@dataclass(frozen=True, kw_only=True)
class HfSettings:
    """See conf/engine/hf_trainer.yaml for a line on each."""

    make: str | None = None
    metric: str | None = None
    direction: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.make, str) or not re.fullmatch(r"[\w.]+:[\w.<>]+", self.make):
            raise ConfigError(
                f"engine.make is {shown(self.make)}, but it must be a module and, after a colon, the function in it that "
                f"returns your Trainer: {EXAMPLE} for make_trainer in my_script.py"
            )
        if self.metric is not None:
            check_text("engine.metric", self.metric, "a metric that compute_metrics returns, such as eval_accuracy")
        if self.direction is not None:
            check_one_of("engine.direction", self.direction, ("maximise", "minimise"))


@dataclass(frozen=True, kw_only=True)
class HfRecipe(Recipe):
    """make: the function itself where it was handed over in Python, else None: a worker then imports it by its name."""

    name: str
    make: Any
    signature: Signature
    request: Request | None
    objective: Objective
    points: int

    def build(self, environment: Environment, kept: Kept) -> Trainer:  # noqa: ARG002 - a Trainer is a trial's own
        import torch

        from tuneoff.training.hf.build import Maker
        from tuneoff.training.hf.trial import HfTrainer, Job

        torch.set_num_threads(environment.threads)
        make = load(self.name) if self.make is None else self.make
        maker = Maker(make=make, name=self.name, signature=self.signature, request=self.request)
        return HfTrainer(Job(maker=maker, objective=self.objective, points=self.points, environment=environment))


@register("engine", "hf_trainer")
class HfTrainerEngine(Engine):
    """Keeps what it found out last."""

    Settings = HfSettings
    exports = True
    hyperparameters: Hyperparameters = declare(Signature())  # type: ignore[misc]  # without a function: see `declared`
    worker_modules = ("tuneoff.training.hf.trial",)

    def __init__(self, settings: HfSettings) -> None:
        super().__init__(settings)
        self._found = Kept()

    @classmethod
    def declared(cls, settings: HfSettings) -> TrainerHyperparameters:
        assert settings.make is not None
        return declare(signature_of(settings.make))

    def preload(self, request: Request) -> None:
        self._probe(request)

    def _probe(self, request: Request) -> tuple[dict[str, Any], Objective]:
        """The facts and the objective, found out once for searches with the same settings."""
        from tuneoff.training.hf.build import Maker
        from tuneoff.training.hf.probe import probe

        settings = self.settings
        signature = signature_of(settings.make)
        asked = _without_device(request) if signature.takes_request else None
        values = _values(request)
        maker = Maker(make=load(settings.make), name=settings.make, signature=signature, request=asked)
        key = (tuple(values.items()), request.seeds["split"], request.task, request.protocol, request.model)
        found: tuple[dict[str, Any], Objective] = self._found.get(
            key,
            lambda: probe(maker, values, seed=request.seeds["training"], metric=settings.metric, direction=settings.direction),
        )
        return found

    def prepare(self, request: Request, earlier: Mapping[str, Any] | None = None) -> Prepared:
        facts, objective = self._probe(request)
        facts = {**facts, "device": request.device, "cautions": facts["notes"]}
        del facts["notes"]
        exports = facts.pop("exports")
        for name in MUST_STAY:
            if earlier is not None and earlier[name] != facts[name]:
                raise MakeError(
                    f"the data of engine.make={self.settings.make} has changed since this search began ({name}): put it back "
                    "as it was, or give study=NAME for a new search"
                )
        making = _Making(settings=self.settings, request=request, objective=objective)
        return Prepared(
            facts=facts,
            metrics=(objective.name,),
            device=request.device,
            make_recipe=making.recipe,
            export=making.export if exports else None,
        )


@dataclass(frozen=True, kw_only=True)
class _Making:
    """A Trainer whose facts are known."""

    settings: HfSettings
    request: Request
    objective: Objective

    def recipe(self, facts: Mapping[str, Any], share: Share) -> HfRecipe:  # noqa: ARG002 - nothing is shared
        make = self.settings.make
        assert make is not None
        signature = signature_of(make)
        return HfRecipe(
            name=make,
            make=handed_over(make),
            signature=signature,
            request=_without_device(self.request) if signature.takes_request else None,
            objective=self.objective,
            points=self.request.training.evaluations_per_epoch,
        )

    def export(self, state: State, hparams: Values, folder: Path) -> None:
        from tuneoff.training.hf.build import Maker
        from tuneoff.training.hf.export import export

        make = self.settings.make
        assert make is not None
        signature = signature_of(make)
        request = _without_device(self.request) if signature.takes_request else None
        maker = Maker(make=load(make), name=make, signature=signature, request=request)
        export(maker, hparams, state, seed=self.request.seeds["training"], folder=folder)


def _values(request: Request) -> Values:
    """The values in force; those of a required keyword that the space alone gives are one of its points."""
    point = request.space.sample(np.random.default_rng(0))
    return {name: point.get(name) if value is None else value for name, value in request.hparams.items()}


def _without_device(request: Request) -> Request:
    return replace(request, device="")
