"""The README.md beside a winner's model: what it is, how good it is, where it comes from, how to use it and make it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tuneoff.price import format_dollars
from tuneoff.records.winner import Winner, winner_facts

CARD_FILE = "README.md"
_USE = """```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

model = AutoModelForSequenceClassification.from_pretrained("FOLDER")
tokenizer = AutoTokenizer.from_pretrained("FOLDER")
texts = tokenizer(["a text"], truncation=True, padding=True, return_tensors="pt")  # pairs: ["a text"], ["its partner"], ...
with torch.inference_mode():
    logits = model(**texts).logitsLABELS
```"""


def model_card(winner: Winner) -> str:
    """Markdown."""
    header, record, facts = winner.cell.header, winner.record, winner_facts(winner)
    data, cost = header.data, facts["cost"]
    test = facts["test"] or {}
    scores = [f"| {name} | {value:.4f} | {_number(test.get(name))} |" for name, value in facts["validation"].items()]
    sizes = f"n = {record.validation.n_examples}", f"n = {record.test.n_examples}" if record.test else "not scored"
    parts = [
        _front_matter(header.task),
        f"# {header.model} on {header.task}",
        f"The best of {cost['trials']} trials of `{header.algorithm}` (study {header.study}, repeat {header.repeat}): trial "
        f"{record.trial_id} after {record.epoch:g} epochs. Made by tuneoff.",
        "## Scores",
        "\n".join([f"| metric | validation ({sizes[0]}) | test ({sizes[1]}) |", "|---|---|---|", *scores]),
        f"The search maximised {header.metric} on validation, so that the validation score promises too much; the test rows "
        f"decided nothing. Protocol {header.protocol}. {data.get('description', '')}".rstrip(),
        *_remarks(data),
        "## Use",
        _example(data),
        "## What it cost",
        f"{cost['charged_device_seconds'] / 60:.3g} device-minutes for the whole search ({cost['devices']} held), "
        f"${format_dollars(cost['dollars'])} at ${cost['per_device_hour_usd']:g} an hour ({cost['price']}).",
        "## Hyperparameters",
        _yaml(facts["hparams"]),
        *_schedule(facts["schedule"]),
        "## The command that trains it from scratch",
        f"```\n{winner.command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(task: str) -> str:
    return f"---\nlibrary_name: transformers\npipeline_tag: text-classification\ntags: [tuneoff, {task}]\n---"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _yaml(values: Any) -> str:
    return f"```yaml\n{yaml.safe_dump(values, sort_keys=False, allow_unicode=True).rstrip()}\n```"


def _remarks(data: Mapping[str, Any]) -> list[str]:
    chosen = data.get("precision", {}).get("chosen")
    rounded = ["It was scored in bf16: in fp32 a row or two may come out otherwise."] if chosen == "bf16" else []
    return [*rounded, *(f"Caution: {caution}" for caution in data.get("cautions", ()))]


def _example(data: Mapping[str, Any]) -> str:
    """Code that asks the model about a text; about classes and labels by their names."""
    names = ""
    if data.get("kind") == "multilabel":
        names = "\nprint([[model.config.id2label[i] for i, x in enumerate(row) if x > 0] for row in logits.tolist()])"
    elif data.get("labels"):
        names = "\nprint([model.config.id2label[i] for i in logits.argmax(-1).tolist()])"
    return _USE.replace("LABELS", names)


def _schedule(schedule: list[dict[str, Any]] | None) -> list[str]:
    if schedule is None:
        return []
    return ["Those were in force at last. By examples seen, over all trials whose weights were inherited:", _yaml(schedule)]
