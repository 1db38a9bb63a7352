"""Random clauses, and the edits that make one place of a clause wider or narrower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from tuneoff.task.entail.clause import (
    ALL,
    ANY,
    AT_LEAST_ONE,
    COUNTING,
    EACH,
    EVERY,
    NO,
    NOT_A_SINGLE,
    NOT_ALL,
    NOT_EVERY,
    SOME,
    A,
    Clause,
    NounPhrase,
    Quantifier,
    polarity,
)
from tuneoff.task.entail.lexicon import ANIMATE_ADJECTIVES, NAMES, NOUNS, PLACES, THING_ADJECTIVES, TIMES, VERBS, Noun, Verb

Item = TypeVar("Item")
EXCHANGED_SHARE = 0.3
"""Of the pairs about words or roles that do not follow: those that bring in another word or person."""
SLOTS = ("subject.noun", "subject.adjective", "subject.place", "verb", "time", "object.noun", "object.adjective")

_AT_LEAST = tuple(q for q in COUNTING if q.high is None)
_AT_MOST = tuple(q for q in COUNTING if q.low == 0)
_SUBJECT_FAMILIES = (
    (EVERY, ALL, EACH),
    (SOME, A, AT_LEAST_ONE),
    (SOME, A, AT_LEAST_ONE),
    _AT_LEAST,
    _AT_LEAST,
    (NO, NOT_A_SINGLE),
    (NOT_EVERY, NOT_ALL),
    _AT_MOST,
)
"""Those that point up come more often, as they do in natural text."""
_OBJECT_FAMILIES = ((EVERY,), (A, SOME), (A,), _AT_LEAST, (NO,))


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    return items[int(rng.integers(len(items)))]


def chance(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def draw_noun(rng: np.random.Generator, kins: Sequence[str], depths: Sequence[float] = (0.1, 0.55, 0.35)) -> str:
    """A noun below (or at) one of the roots `kins`; `depths` weighs root, middle and leaf."""
    root = pick(rng, kins)
    depth = int(rng.choice(3, p=depths))
    word = root
    for _ in range(depth):
        word = pick(rng, NOUNS[word].children)
    return word


def draw_verb(rng: np.random.Generator, *, transitive: bool) -> Verb:
    return pick(rng, [verb for verb in VERBS.values() if bool(verb.patients) == transitive])


def draw_individual(rng: np.random.Generator, kins: Sequence[str]) -> NounPhrase:
    """A name, or "the" with a noun of one of the trees; a name only where a person fits."""
    if "person" in kins and chance(rng, 0.6):
        return NounPhrase(noun=pick(rng, NAMES), quantifier=None)
    return NounPhrase(noun=draw_noun(rng, kins), quantifier=None)


def draw_phrase(rng: np.random.Generator, kins: Sequence[str], quantifier: Quantifier, *, place: bool = True) -> NounPhrase:
    noun = draw_noun(rng, kins)
    adjectives = adjectives_for(noun)
    return NounPhrase(
        noun=noun,
        quantifier=quantifier,
        adjective=pick(rng, adjectives) if chance(rng, 0.25) else None,
        place=pick(rng, PLACES) if place and chance(rng, 0.25) else None,
    )


def draw_object(rng: np.random.Generator, verb: Verb, *, negated: bool = False, simple: bool = False) -> NounPhrase:
    """The object of `verb`; under "not" the indefinite is "any". `simple`: an indefinite or an individual only."""
    if chance(rng, 0.2):
        return draw_individual(rng, verb.patients)
    family = (A,) if simple else pick(rng, _OBJECT_FAMILIES[:2] if negated else _OBJECT_FAMILIES)
    quantifier = pick(rng, family)
    if negated and quantifier.low == 1:
        quantifier = ANY
    return draw_phrase(rng, verb.patients, quantifier, place=False)


def draw_clause(rng: np.random.Generator) -> Clause:
    """A clause in the active voice; a subject with a lower bound, or an individual, may be negated."""
    verb = draw_verb(rng, transitive=chance(rng, 0.5))
    if chance(rng, 0.15):
        subject = draw_individual(rng, verb.agents)
    else:
        subject = draw_phrase(rng, verb.agents, pick(rng, pick(rng, _SUBJECT_FAMILIES)))
    bounded_below = subject.quantifier is None or (subject.quantifier.low > 0 and not subject.quantifier.outside)
    negated = bounded_below and chance(rng, 0.15)
    return Clause(
        subject=subject,
        verb=verb,
        negated=negated,
        time=pick(rng, TIMES) if chance(rng, 0.3) else None,
        object=draw_object(rng, verb, negated=negated) if verb.patients else None,
    )


def adjectives_for(noun: str) -> tuple[str, ...]:
    return ANIMATE_ADJECTIVES if NOUNS[noun].kin in ("animal", "person") else THING_ADJECTIVES


def edit(rng: np.random.Generator, clause: Clause, slot: str, *, wider: bool) -> Clause | None:
    """`clause` with a wider (or narrower) meaning at `slot`; None where the slot has nothing to change."""
    if slot == "verb":
        base = _step(rng, clause.verb, wider=wider)
        return replace(clause, verb=VERBS[base]) if base else None
    if slot == "time":
        if (clause.time is None) == wider:
            return None
        return replace(clause, time=None if wider else pick(rng, TIMES))
    role, part = slot.split(".")
    phrase = clause.subject if role == "subject" else clause.object
    if phrase is None or phrase.quantifier is None:
        return None
    changed = _edit_phrase(rng, phrase, part, wider=wider)
    if changed is None:
        return None
    return replace(clause, subject=changed) if role == "subject" else replace(clause, object=changed)


def exchange(rng: np.random.Generator, clause: Clause, slot: str) -> Clause | None:
    """`clause` with another word at `slot`, neither wider nor narrower; None where the slot has no such word."""
    role, _, part = slot.partition(".")
    if role == "verb":
        base = _sibling(rng, clause.verb.base, VERBS)
        return replace(clause, verb=VERBS[base]) if base else None
    if role == "time":
        return replace(clause, time=_other(rng, TIMES, clause.time)) if clause.time else None
    phrase = clause.subject if role == "subject" else clause.object
    if phrase is None or phrase.quantifier is None:
        return None
    if part == "noun":
        noun = _sibling(rng, phrase.noun, NOUNS)
        changed = replace(phrase, noun=noun) if noun else None
    elif part == "adjective":
        other = _other(rng, adjectives_for(phrase.noun), phrase.adjective)
        changed = replace(phrase, adjective=other) if phrase.adjective else None
    else:
        changed = replace(phrase, place=_other(rng, PLACES, phrase.place)) if phrase.place else None
    if changed is None:
        return None
    return replace(clause, subject=changed) if role == "subject" else replace(clause, object=changed)


def _sibling(rng: np.random.Generator, word: str, words: Mapping[str, Noun | Verb]) -> str | None:
    parent = words[word].parent
    siblings = words[parent].children if parent else ()
    return _other(rng, siblings, word) if len(siblings) > 1 else None


def _other(rng: np.random.Generator, words: Sequence[str], word: str | None) -> str:
    return pick(rng, [other for other in words if other != word])


def _edit_phrase(rng: np.random.Generator, phrase: NounPhrase, part: str, *, wider: bool) -> NounPhrase | None:
    if part == "noun":
        noun = _step(rng, NOUNS[phrase.noun], wider=wider)
        return replace(phrase, noun=noun) if noun else None
    present = phrase.adjective if part == "adjective" else phrase.place
    if (present is None) == wider:
        return None
    if part == "adjective":
        return replace(phrase, adjective=None if wider else pick(rng, adjectives_for(phrase.noun)))
    return replace(phrase, place=None if wider else pick(rng, PLACES))


def _step(rng: np.random.Generator, word: Noun | Verb, *, wider: bool) -> str | None:
    """The word one step up, or a random one a step down the tree."""
    if wider:
        return word.parent
    return pick(rng, word.children) if word.children else None


def weaken(rng: np.random.Generator, clause: Clause, *, avoid: str = "") -> Clause:
    """`clause` after one random edit that keeps it true, at a slot other than `avoid`; unchanged where none fits."""
    order = [SLOTS[i] for i in rng.permutation(len(SLOTS))]
    for slot in order:
        sign = polarity(clause, slot)
        if slot == avoid or sign == 0:
            continue
        changed = edit(rng, clause, slot, wider=sign > 0)
        if changed is not None:
            return changed
    return clause
