"""Fine-tuning of a pre-trained encoder on a task: the project's own training function."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuneoff.errors import ConfigError
from tuneoff.plugins import register
from tuneoff.space import Choice
from tuneoff.task.base import Task
from tuneoff.task.cautions import cautions
from tuneoff.task.encode import EncodedSplit, encode
from tuneoff.task.facts import summarise
from tuneoff.task.kinds import kind_of, scoring_of
from tuneoff.task.kinds.contracts import Scoring
from tuneoff.task.registry import load_task
from tuneoff.task.split import Splits, make_splits
from tuneoff.training.hparams import HYPERPARAMETERS, HParams
from tuneoff.training.protocol import (
    RESUME,
    Engine,
    Environment,
    Kept,
    NoSettings,
    Prepared,
    Recipe,
    Request,
    Share,
    Shared,
    State,
    Trainer,
    Values,
)
from tuneoff.training.settings import TrainingSettings

if TYPE_CHECKING:
    from tuneoff.model.loading import BaseModel
    from tuneoff.model.settings import ModelSettings
    from tuneoff.training.finetune_trainer import Material

PRECISION = "precision"
PRECISIONS = ("fp32", "bf16")
TEST_ROWS_STREAM = 1
"""Of draws from the split's seed."""
MUST_STAY = ("split_sha256", "encoded_sha256", "model_sha256")
"""Facts that may not change while a search is interrupted."""


@dataclass(frozen=True, kw_only=True)
class FinetuneRecipe(Recipe):
    """material: shared network, train, validation and test arrays. batch_sizes: at which a worker's speed is measured."""

    material: Shared
    scoring: Scoring
    settings: TrainingSettings
    bf16: bool
    defaults: HParams
    batch_sizes: tuple[int, ...]

    def build(self, environment: Environment, kept: Kept) -> Trainer:
        import torch

        from tuneoff.training.finetune import Job
        from tuneoff.training.finetune_trainer import FinetuneTrainer, OnDevice

        torch.set_num_threads(environment.threads)
        if environment.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        device = torch.device(environment.device)
        held: OnDevice = kept.get((self.material.key, environment.device), lambda: OnDevice.of(self.material.fetch(), device))
        job = Job(
            network=held.network,
            train=held.train,
            validation=held.validation,
            test=held.test,
            scoring=self.scoring,
            bf16=self.bf16,
            settings=self.settings,
            environment=environment,
            steppers=held.steppers,
        )
        return FinetuneTrainer(job, held.speeds, self.defaults, self.batch_sizes)


@register("engine", "finetune")
class FinetuneEngine(Engine):
    """Keeps what it read last: the rows, their splits, the tokenizer and the model."""

    hyperparameters = HYPERPARAMETERS
    resumes = RESUME
    exports = True
    worker_modules = ("tuneoff.training.finetune_trainer",)
    Settings = NoSettings

    def __init__(self, settings: NoSettings) -> None:
        super().__init__(settings)
        self._tasks, self._splits, self._models = Kept(), Kept(), Kept()

    def check(self, request: Request) -> None:
        self._read(request)

    def data_facts(self, request: Request) -> Mapping[str, Any]:
        return summarise(*self._read(request)) if request.task.local else {}

    def preload(self, request: Request) -> None:
        self._load_model(request.model, _outputs(self._read(request)[0]))

    def _read(self, request: Request) -> tuple[Task, Splits]:
        task: Task = self._tasks.get(request.task, lambda: load_task(request.task))
        key = (request.task, request.protocol, request.seeds["split"])
        splits: Splits = self._splits.get(key, lambda: make_splits(task, request.protocol, request.seeds["split"]))
        return task, splits

    def _load_model(self, settings: ModelSettings, n_outputs: int) -> tuple[Any, BaseModel]:
        from tuneoff.model.loading import load_base, load_tokenizer

        found: tuple[Any, BaseModel] = self._models.get(
            (settings, n_outputs), lambda: (load_tokenizer(settings), load_base(settings, n_outputs))
        )
        return found

    def prepare(self, request: Request, earlier: Mapping[str, Any] | None = None) -> Prepared:
        """Encodes the rows with the model's tokenizer and keeps the word rows that they use."""
        from tuneoff.model.architectures import check_hparams
        from tuneoff.model.vocabulary import compact, used_rows

        task, splits = self._read(request)
        tokenizer, whole = self._load_model(request.model, _outputs(task))
        check_hparams(whole.config, request.space.domains.keys() | HParams.from_dict(request.hparams).of_the_model)
        parts = [encode(part.rows, tokenizer, request.model.max_length) for part in splits.parts.values()]
        used = used_rows(whole, parts)
        base, encoded = compact(whole, parts, used)
        encoded[-1] = _scored(encoded[-1], request)
        asked = request.training.precision
        precision = None if asked == "auto" else {"chosen": asked, "by": "setting"}
        facts = {
            **_data_facts(task, splits, parts),
            **_model_facts(request, whole, base),
            PRECISION: earlier[PRECISION] if earlier else precision,
        }
        if request.test_rows is not None:
            facts["test_rows"] = len(encoded[-1])
            facts["tokens"]["test"] = int(encoded[-1].offsets[-1])
        facts["cautions"] = list(cautions(facts))
        _must_be_unchanged(facts, earlier)
        made = _Encoded(request=request, task=task, tokenizer=tokenizer, whole=whole, used=used, base=base, parts=encoded)
        return Prepared(
            facts=facts,
            metrics=task.metrics,
            device=request.device,
            make_recipe=made.recipe,
            choice=PRECISION,
            variants=() if facts[PRECISION] else PRECISIONS,
            export=made.export,
        )


@dataclass(frozen=True, kw_only=True)
class _Encoded:
    """A task and a model, ready to be trained on. whole: the model with all word rows, of which `base` has those of `used`."""

    request: Request
    task: Task
    tokenizer: Any
    whole: BaseModel
    used: NDArray[np.int64] | None
    base: BaseModel
    parts: list[EncodedSplit]

    def recipe(self, facts: Mapping[str, Any], share: Share) -> FinetuneRecipe:
        return FinetuneRecipe(
            material=share(_key(facts, self.base), self._material),
            scoring=scoring_of(self.task),
            settings=self.request.training,
            bf16=facts[PRECISION]["chosen"] == "bf16",
            defaults=HParams.from_dict(self.request.hparams),
            batch_sizes=measured_batch_sizes(self.request),
        )

    def _material(self) -> Material:
        from tuneoff.training.finetune_trainer import Material

        train, validation, test = self.parts
        return Material(base=self.base, train=train, validation=validation, test=test)

    def export(self, state: State, hparams: Values, folder: Path) -> None:  # noqa: ARG002 - weights do not depend on them
        """The model with all its word rows, so that it reads text that no split has."""
        from tuneoff.model.export import export_classifier, export_tokenizer
        from tuneoff.model.vocabulary import expand
        from tuneoff.training.checkpoint import WEIGHTS

        kind, names = kind_of(self.task), self.task.label_names
        weights = {name.partition("/")[2]: array for name, array in state.only(WEIGHTS).arrays.items()}
        export_classifier(
            self.whole,
            expand(self.whole, self.used, weights),
            labels=names if len(names) == kind.n_outputs(self.task) else (),
            loss=kind.loss,
            folder=folder,
        )
        export_tokenizer(self.tokenizer, self.request.model.max_length, folder)


def _key(facts: Mapping[str, Any], base: BaseModel) -> str:
    """SHA-256 over what a Material is made from: weights, the model's settings, tokens and labels of each part, and how many
    test rows are scored."""
    parts = [
        facts["model_sha256"],
        base.config.to_json(),
        str(base.missing),
        *(f"{name}={digest}" for name, digest in sorted(facts["encoded_sha256"].items())),
        f"test_rows={facts.get('test_rows')}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _scored(test: EncodedSplit, request: Request) -> EncodedSplit:
    """The test rows that are scored: all, or as many random ones as the request says, the same in every search of a repeat."""
    if request.test_rows is None or request.test_rows >= len(test):
        return test
    chosen = np.random.default_rng([request.seeds["split"], TEST_ROWS_STREAM]).permutation(len(test))[: request.test_rows]
    return test.take(np.sort(chosen))


def _outputs(task: Task) -> int:
    return kind_of(task).n_outputs(task)


def measured_batch_sizes(request: Request) -> tuple[int, ...]:
    """The batch sizes at which speed is measured: the fixed one, or the ends of its domain, ascending."""
    domain = request.space.domains.get("batch_size")
    if domain is None:
        size = request.hparams["batch_size"]
        assert isinstance(size, int)
        return (size,)
    if isinstance(domain, Choice):
        sizes = [int(value) for value in domain.values if value is not None]
        return tuple(sorted({min(sizes), max(sizes)}))
    return int(domain.low), int(domain.high)


def _data_facts(task: Task, splits: Splits, parts: list[EncodedSplit]) -> dict[str, Any]:
    names = list(splits.parts)
    return {
        **summarise(task, splits),
        **{f"n_{name}": len(part) for name, part in zip(names, parts, strict=True)},
        "tokens": {name: int(part.offsets[-1]) for name, part in zip(names, parts, strict=True)},
        "encoded_sha256": {name: part.content_hash for name, part in zip(names, parts, strict=True)},
        "truncated_rows": {name: part.truncated_rows for name, part in zip(names, parts, strict=True)},
    }


def _model_facts(request: Request, whole: BaseModel, base: BaseModel) -> dict[str, Any]:
    return {
        "max_length": request.model.max_length,
        "model_sha256": whole.content_hash,
        "model_source": request.model.source,
        "parameters": sum(w.size for w in whole.weights.values()),
        "word_rows_used": base.config.vocab_size,
        "device": request.device,
    }


def _must_be_unchanged(facts: Mapping[str, Any], earlier: Mapping[str, Any] | None) -> None:
    for name in MUST_STAY:
        if earlier is not None and earlier[name] != facts[name]:
            raise ConfigError(
                f"the data or the model has changed since this search began ({name}): put it back as it was, or give "
                "study=NAME for a new search"
            )
