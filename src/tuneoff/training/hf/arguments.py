"""The hyperparameters of a user's Trainer: the keywords of their function and the fields of TrainingArguments.

The fields are read from transformers' source, since importing it takes seconds and settings are checked before that.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tuneoff.errors import is_number, shown
from tuneoff.hparams import NUM_EPOCHS, HParamError, HParamValue, Hyperparameter, Hyperparameters
from tuneoff.training.hf.make import Keyword, MakeError, Signature
from tuneoff.training.hparams import HYPERPARAMETERS

BATCH_SIZE = "batch_size"
ALIASES = {NUM_EPOCHS: "num_train_epochs", BATCH_SIZE: "per_device_train_batch_size", "lr_schedule": "lr_scheduler_type"}
"""Names that searches share with other trainers, and the fields that they set."""
MUTABLE = ("learning_rate", "weight_decay", BATCH_SIZE, "per_device_train_batch_size")
OURS = ("output_dir", "max_steps", "load_best_model_at_end", "push_to_hub", "auto_find_batch_size", "enable_jit_checkpoint")
"""Fields that a search can't set: they say where things are written, or how long a trial is, or are switched off."""


@dataclass(frozen=True, kw_only=True)
class Text(Hyperparameter):
    """Any text; whoever uses it says whether it is one of theirs."""

    def check(self, value: Any) -> HParamValue:
        if (value is None and self.optional) or isinstance(value, str):
            return value
        raise HParamError(f"{self.name} is {shown(value)}, but it must be text")


@dataclass(frozen=True, kw_only=True)
class Anything(Hyperparameter):
    """A keyword of which only the name is known."""

    def check(self, value: Any) -> HParamValue:
        if value is None or isinstance(value, str) or is_number(value):
            return value
        raise HParamError(f"{self.name} is {shown(value)}, but it must be a number, text or null")


class TrainerHyperparameters(Hyperparameters):
    """Declares the keywords and a few fields; the other fields of TrainingArguments are known by name, and count where a
    space or a setting names them."""

    def __init__(self, declared: Iterable[Hyperparameter], others: Iterable[Hyperparameter]) -> None:
        super().__init__(*declared)
        self._others = {one.name: one for one in others}

    @property
    def mutable(self) -> tuple[str, ...]:
        return (*super().mutable, *(name for name, one in self._others.items() if one.mutable))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._others

    def __getitem__(self, name: str) -> Hyperparameter:
        if super().__contains__(name):
            return super().__getitem__(name)
        if name in self._others:
            return self._others[name]
        raise HParamError(f"unknown hyperparameter {name!r}{self.hint(name)}")

    def hint(self, name: str) -> str:
        if name in OURS:
            return ": it is TrainingArguments', but where a trial writes, how long it is and what follows it are the search's"
        known = {field: alias for alias, field in ALIASES.items()}
        close = [known[name]] if name in known else get_close_matches(str(name), [*self.names, *self._others], n=2)
        near = f": did you mean {' or '.join(close)}? There are" if close else ": there are"
        return f"{near} {', '.join(self.names)}, any keyword of engine.make and any field of TrainingArguments"


def declare(signature: Signature) -> TrainerHyperparameters:
    """Raises MakeError where a keyword has the name of a field that a search can't set."""
    keywords = {keyword.name: keyword for keyword in signature.keywords}
    for name in OURS:
        if name in keywords and keywords[name].required:
            raise MakeError(f"the keyword {name} of engine.make has no default, but a search does not set it: give it one")
    core = (NUM_EPOCHS, "learning_rate", "weight_decay", BATCH_SIZE)
    shown_first = [_field(name, _epochs(keywords) if name == NUM_EPOCHS else None) for name in core if name not in keywords]
    hidden = {*OURS, ALIASES[NUM_EPOCHS]}
    own = [_keyword(keyword) for keyword in signature.keywords if keyword.name not in hidden]
    names = {one.name for one in (*shown_first, *own)} | hidden
    return TrainerHyperparameters((*shown_first, *own), [_field(name) for name in (*ALIASES, *fields()) if name not in names])


def _epochs(keywords: dict[str, Keyword]) -> HParamValue:
    """The length that the function's own keyword has by default, where it is a whole number of epochs; else 3, as
    TrainingArguments has it."""
    given = keywords[ALIASES[NUM_EPOCHS]].default if ALIASES[NUM_EPOCHS] in keywords else None
    return int(given) if is_number(given) and given == int(given) else 3


def _keyword(keyword: Keyword) -> Hyperparameter:
    name, kind = keyword.name, keyword.annotation or type(keyword.default).__name__
    default = int(keyword.default) if isinstance(keyword.default, bool) else keyword.default
    if name == "seed":
        return _field(name)  # each trial's own, unless it is searched or set
    if name == NUM_EPOCHS:
        return _field(name, default if default is not None else 3)
    if name in fields() or name in ALIASES:
        return _field(name, default)
    return _of_type(name, kind, default)


def _field(name: str, default: HParamValue = None) -> Hyperparameter:
    """A field of TrainingArguments, or an alias of one. A default of None is the script's own value."""
    if name in HYPERPARAMETERS or name == ALIASES[BATCH_SIZE]:
        known = HYPERPARAMETERS[BATCH_SIZE if name == ALIASES[BATCH_SIZE] else name]
        limits: dict[str, Any] = {"low": known.low, "high": known.high, "above": known.above, "rule": known.rule}
        limits |= {"whole": known.whole and name != "warmup_steps", "choices": known.choices}
        return Hyperparameter(name=name, default=default, optional=name != NUM_EPOCHS, mutable=name in MUTABLE, **limits)
    return _of_type(name, fields().get(name, ""), default)


def _of_type(name: str, annotation: str, default: HParamValue) -> Hyperparameter:
    """By the annotation's text: a truth value is 0 or 1."""
    parts = {part.strip().removeprefix("typing.") for part in annotation.replace("Optional[", "").rstrip("]").split("|")}
    common: dict[str, Any] = {"name": name, "default": default, "optional": True, "mutable": name in MUTABLE}
    if annotation.startswith(("Literal[", "typing.Literal[")):
        choices = ast.literal_eval("[" + annotation.partition("[")[2])
        if all(isinstance(choice, str) for choice in choices):
            return Hyperparameter(**common, choices=tuple(choices))
    if "bool" in parts:
        return Hyperparameter(**common, low=0, high=1, whole=True, rule="0 for false or 1 for true")
    if "str" in parts:
        return Text(**common)
    if "float" in parts:
        return Hyperparameter(**common, rule="any number")
    if "int" in parts:
        return Hyperparameter(**common, whole=True, rule="any whole number")
    return Anything(**common)


@lru_cache(maxsize=1)
def fields() -> dict[str, str]:
    """Names and annotations of the fields of TrainingArguments."""
    spec = find_spec("transformers")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).with_name("training_args.py").read_text(encoding="utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "TrainingArguments")
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in found.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_")
    }
