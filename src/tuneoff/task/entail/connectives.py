"""Pairs about two people joined by "and", "or", "neither", "but not"; the label is read off a truth table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tuneoff.task.entail.clause import Clause, noun_phrase_text, predicate_text
from tuneoff.task.entail.draw import chance, draw_individual, draw_object, draw_verb, pick
from tuneoff.task.entail.lexicon import TIMES, VERBS

Pair = tuple[str, str]
TRUTHS: dict[str, Callable[[bool, bool], bool]] = {
    "{x} and {y} {did}": lambda x, y: x and y,
    "both {x} and {y} {did}": lambda x, y: x and y,
    "{x} or {y} {did}": lambda x, y: x or y,
    "{x} or {y} or both {did}": lambda x, y: x or y,
    "neither {x} nor {y} {did}": lambda x, y: not x and not y,
    "{x} but not {y} {did}": lambda x, y: x and not y,
    "not both {x} and {y} {did}": lambda x, y: not (x and y),
    "{x} {did}": lambda x, _: x,
    "{x} {did_not}": lambda x, _: not x,
}
"""Patterns and when they are true, given whether x did it and whether y did; "or" includes both."""
_ROWS = tuple((x, y) for x in (False, True) for y in (False, True))


def _entails(premise: str, hypothesis: str, exchanged: bool) -> bool:
    """`exchanged`: the hypothesis names y in the place of x."""
    p, h = TRUTHS[premise], TRUTHS[hypothesis]
    return all(h(*((y, x) if exchanged else (x, y))) for x, y in _ROWS if p(x, y))


def _table() -> dict[bool, dict[str, tuple[tuple[str, bool], ...]]]:
    """label -> hypothesis pattern -> (premise pattern, exchanged), leaving out the pair of a pattern with itself."""
    table: dict[bool, dict[str, tuple[tuple[str, bool], ...]]] = {True: {}, False: {}}
    for hypothesis in TRUTHS:
        options = [(p, e) for p in TRUTHS for e in (False, True) if (p, e) != (hypothesis, False)]
        for label in (True, False):
            table[label][hypothesis] = tuple((p, e) for p, e in options if _entails(p, hypothesis, e) == label)
    return table


_TABLE = _table()
_HYPOTHESES = tuple(h for h in TRUTHS if _TABLE[True][h] and _TABLE[False][h])


def connectives(rng: np.random.Generator, entailed: bool) -> Pair | None:
    hypothesis = pick(rng, _HYPOTHESES)
    options = _TABLE[entailed][hypothesis]
    near = tuple((p, e) for p, e in options if _negative(p) == _negative(hypothesis))
    if near and not entailed and chance(rng, 0.75):
        options = near
    premise, exchanged = pick(rng, options)
    verb = draw_verb(rng, transitive=chance(rng, 0.6))
    x, y = draw_individual(rng, verb.agents), draw_individual(rng, verb.agents)
    if x == y:
        return None
    patient = draw_object(rng, verb, simple=True) if verb.patients else None
    if patient in (x, y):
        return None
    time = pick(rng, TIMES) if chance(rng, 0.4) else None
    clause = Clause(subject=x, verb=verb, object=patient, time=time)
    wider = clause
    if verb.parent and chance(rng, 0.2) and _rises(hypothesis):
        wider = Clause(subject=x, verb=VERBS[verb.parent], object=patient, time=time)
    first = {"x": noun_phrase_text(x), "y": noun_phrase_text(y)}
    second = {"x": first["y"], "y": first["x"]} if exchanged else first
    return _fill(premise, clause, first), _fill(hypothesis, wider, second)


def _negative(pattern: str) -> bool:
    return "not" in pattern or "neither" in pattern


def _rises(pattern: str) -> bool:
    """Stays true when more people did it, so that a wider verb keeps it true."""
    truth = TRUTHS[pattern]
    return all(truth(*b) for a in _ROWS for b in _ROWS if truth(*a) and all(p <= q for p, q in zip(a, b, strict=True)))


def _fill(pattern: str, clause: Clause, people: dict[str, str]) -> str:
    did = predicate_text(clause)
    did_not = f"did not {clause.verb.base}{did.removeprefix(clause.verb.past)}"
    for article in (" a ", " an "):
        did_not = did_not.replace(article, " any ", 1)
    return pattern.format(did=did, did_not=did_not, **people)
