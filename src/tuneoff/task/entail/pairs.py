"""The phenomena, and how labelled pairs are drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tuneoff.task.entail.clause import clause_text, polarity
from tuneoff.task.entail.connectives import connectives
from tuneoff.task.entail.draw import EXCHANGED_SHARE, chance, draw_clause, edit, exchange, pick, weaken
from tuneoff.task.entail.quantities import NEGATION_TABLE, NUMBER_TABLE, QUANTIFIER_TABLE, from_table
from tuneoff.task.entail.roles import roles

Pair = tuple[str, str]
Phenomenon = Callable[[np.random.Generator, bool], Pair | None]


def _monotone(slots: tuple[str, ...], rng: np.random.Generator, entailed: bool) -> Pair | None:
    """One word made wider or narrower. It follows where the edit goes the way that its place points.

    The drawn clause is the premise or the hypothesis with equal chance. A third of the pairs gets a second edit
    elsewhere that by itself keeps the clause true, whatever the label. A share of those that do not follow has
    another word instead, neither wider nor narrower ("poodle" / "beagle").
    """
    clause, slot = draw_clause(rng), pick(rng, slots)
    sign = polarity(clause, slot)
    if sign == 0:
        return None
    wider, premise_first = (sign > 0) == entailed, chance(rng, 0.5)
    if not entailed and chance(rng, EXCHANGED_SHARE):
        changed = exchange(rng, clause, slot)
    else:
        changed = edit(rng, clause, slot, wider=wider == premise_first)
    if changed is None:
        return None
    premise, hypothesis = (clause, changed) if premise_first else (changed, clause)
    if chance(rng, 0.33):
        hypothesis = weaken(rng, hypothesis, avoid=slot)
    return clause_text(premise), clause_text(hypothesis)


PHENOMENA: dict[str, Phenomenon] = {
    "hypernym": partial(_monotone, ("subject.noun", "object.noun")),
    "modifier": partial(_monotone, ("subject.adjective", "subject.place", "time", "object.adjective")),
    "verb": partial(_monotone, ("verb",)),
    "number": partial(from_table, NUMBER_TABLE),
    "quantifier": partial(from_table, QUANTIFIER_TABLE),
    "negation": partial(from_table, NEGATION_TABLE),
    "roles": roles,
    "connective": connectives,
}
MIN_WORDS, MAX_WORDS = 3, 13


def draw_pair(rng: np.random.Generator, phenomenon: str, entailed: bool) -> Pair:
    """A premise and a hypothesis of MIN_WORDS to MAX_WORDS words each, never the same sentence twice."""
    while True:
        pair = PHENOMENA[phenomenon](rng, entailed)
        if pair and pair[0] != pair[1] and all(MIN_WORDS <= len(s.split()) <= MAX_WORDS for s in pair):
            return pair
