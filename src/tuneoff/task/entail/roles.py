"""Pairs about who did what to whom: voice, converse verbs ("gave" / "got") and verbs that hold both ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tuneoff.task.entail.clause import ANY, EVERY, NO, SOME, A, Clause, NounPhrase, clause_text, noun_phrase_text
from tuneoff.task.entail.draw import EXCHANGED_SHARE, chance, draw_individual, draw_noun, draw_phrase, pick, weaken
from tuneoff.task.entail.lexicon import ANIMATE, MUTUAL, NOUNS, THINGS, TIMES, TRANSFERS, VERBS

Pair = tuple[str, str]
_ACTS = [verb for verb in VERBS.values() if verb.agents == ANIMATE and verb.patients == ANIMATE]


def roles(rng: np.random.Generator, entailed: bool) -> Pair | None:
    kind = rng.random()
    if kind < 0.6:
        return _voice(rng, entailed)
    return _transfer(rng, entailed) if kind < 0.85 else _mutual(rng, entailed)


def _two_individuals(rng: np.random.Generator) -> tuple[NounPhrase, NounPhrase] | None:
    first, second = draw_individual(rng, ANIMATE), draw_individual(rng, ANIMATE)
    return None if first == second else (first, second)


def _someone_else(rng: np.random.Generator, two: tuple[NounPhrase, NounPhrase]) -> NounPhrase:
    while (other := draw_individual(rng, ANIMATE)) in two:
        pass
    return other


def _voice(rng: np.random.Generator, entailed: bool) -> Pair | None:
    """Active or passive on either side; what fails to follow has agent and patient exchanged, or another agent."""
    two = _two_individuals(rng)
    if two is None:
        return None
    agent, patient = two
    negated = chance(rng, 0.25)
    if chance(rng, 0.4):
        quantifier = ANY if negated else pick(rng, (A, SOME, EVERY, NO))
        patient = draw_phrase(rng, ANIMATE, quantifier, place=False)
    passives = (chance(rng, 0.5), chance(rng, 0.5))
    if negated and patient.quantifier is not None:
        passives = (False, False)
    base = Clause(
        subject=agent,
        verb=pick(rng, _ACTS),
        object=patient,
        negated=negated,
        time=pick(rng, TIMES) if chance(rng, 0.5) else None,
    )
    weaker = base
    if passives[0] == passives[1] or chance(rng, 0.3):
        weaker = weaken(rng, base)
    if not entailed and chance(rng, EXCHANGED_SHARE):
        weaker = replace(weaker, subject=_someone_else(rng, two))
    elif not entailed:
        weaker = replace(weaker, subject=weaker.object or patient, object=agent)
        if negated and patient.quantifier is not None:
            return None
    premise, hypothesis = _in_voice(base, passives[0]), _in_voice(weaker, passives[1])
    return clause_text(premise), clause_text(hypothesis)


def _in_voice(clause: Clause, passive: bool) -> Clause:
    """The same event; right for any quantifier where the other phrase is an individual."""
    if not passive or clause.object is None:
        return clause
    return replace(clause, subject=clause.object, object=clause.subject, passive=True)


def _transfer(rng: np.random.Generator, entailed: bool) -> Pair | None:
    """x gave z to y / y got z from x; what fails to follow has giver and receiver exchanged."""
    two = _two_individuals(rng)
    if two is None:
        return None
    giver, receiver = two
    give = pick(rng, tuple(TRANSFERS))
    thing = NounPhrase(noun=draw_noun(rng, THINGS), quantifier=A)
    time = pick(rng, TIMES) if chance(rng, 0.3) else None
    forward = (chance(rng, 0.5), chance(rng, 0.5))
    parent = NOUNS[thing.noun].parent
    wider = thing
    if forward[0] == forward[1] or chance(rng, 0.3):
        if parent is None:
            return None
        wider = replace(thing, noun=parent)
    premise = _transfer_text(give, giver, receiver, thing, time, forward=forward[0])
    if not entailed and chance(rng, EXCHANGED_SHARE):
        giver, receiver = (_someone_else(rng, two), receiver) if chance(rng, 0.5) else (giver, _someone_else(rng, two))
    elif not entailed:
        giver, receiver = receiver, giver
    return premise, _transfer_text(give, giver, receiver, wider, time, forward=forward[1])


def _transfer_text(
    give: str, giver: NounPhrase, receiver: NounPhrase, thing: NounPhrase, time: str | None, *, forward: bool
) -> str:
    x, y, z = (noun_phrase_text(phrase) for phrase in (giver, receiver, thing))
    words = [x, give, z, "to", y] if forward else [y, TRANSFERS[give], z, "from", x]
    return " ".join([*words, time] if time else words)


def _mutual(rng: np.random.Generator, entailed: bool) -> Pair | None:
    """Verbs that hold both ways: exchanging the two never matters; the label turns on the time under "not"."""
    two = _two_individuals(rng)
    if two is None:
        return None
    base, negated = pick(rng, tuple(MUTUAL)), chance(rng, 0.5)
    timed = f" {pick(rng, TIMES)}"
    premise_timed = entailed != negated
    texts = []
    for first, second, time in (
        (*two, timed if premise_timed else ""),
        (*(two[::-1] if chance(rng, 0.7) else two), "" if premise_timed else timed),
    ):
        verb = f"did not {base}" if negated else MUTUAL[base]
        texts.append(f"{noun_phrase_text(first)} {verb} {noun_phrase_text(second)}{time}")
    return texts[0], texts[1]
