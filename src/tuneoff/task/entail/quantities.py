"""Pairs that differ in their quantifier: "no dog slept" / "at most two dogs slept", "not all" / "some did not"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuneoff.task.entail.clause import (
    ANY,
    COUNTING,
    NO,
    NOT_A_SINGLE,
    NOT_ALL,
    NOT_EVERY,
    PLAIN,
    Clause,
    Quantifier,
    clause_text,
)
from tuneoff.task.entail.draw import chance, draw_object, draw_phrase, draw_verb, pick, weaken
from tuneoff.task.entail.lexicon import TIMES

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Form:
    """A quantifier with or without "not" after the subject. Its condition: how many of A are (or are not) B."""

    quantifier: Quantifier
    negated: bool

    @property
    def outside(self) -> bool:
        return self.quantifier.outside != self.negated

    @property
    def negative(self) -> bool:
        return self.negated or self.quantifier in (NO, NOT_A_SINGLE, NOT_EVERY, NOT_ALL)

    @property
    def counting(self) -> bool:
        return self.quantifier in COUNTING

    def condition(self) -> tuple[bool, int, int | None]:
        return self.outside, self.quantifier.low, self.quantifier.high


def entails(premise: Form, hypothesis: Form) -> bool:
    """Same A, same B: true where every count that the premise admits is one that the hypothesis admits."""
    p, h = premise.quantifier, hypothesis.quantifier
    above = p.low >= h.low
    below = h.high is None or (p.high is not None and p.high <= h.high)
    return premise.outside == hypothesis.outside and above and below


def presupposes(premise: Form, hypothesis: Form) -> bool:
    """Would follow if A were known to have members ("every dog" / "some dog"): left out, since readers differ."""
    all_or_none = (premise.quantifier.low, premise.quantifier.high) == (0, 0)
    return all_or_none and premise.outside != hypothesis.outside and hypothesis.condition()[1:] == (1, None)


def _forms() -> tuple[Form, ...]:
    plain = [Form(quantifier=q, negated=False) for q in PLAIN + COUNTING]
    negated = [Form(quantifier=q, negated=True) for q in PLAIN + COUNTING if q.low > 0 and not q.outside and q.high is None]
    return tuple(plain + negated)


FORMS = _forms()
Rule = Callable[[Form, Form], bool]


def _tables(rule: Rule) -> tuple[tuple[Form, tuple[Form, ...], tuple[Form, ...]], ...]:
    """(hypothesis, premises that entail it, premises that do not), for the pairs of forms that `rule` admits."""
    rows = []
    for hypothesis in FORMS:
        others = [p for p in FORMS if p != hypothesis and rule(p, hypothesis) and not presupposes(p, hypothesis)]
        good = tuple(p for p in others if entails(p, hypothesis))
        bad = tuple(p for p in others if not entails(p, hypothesis))
        if good and bad:
            rows.append((hypothesis, good, bad))
    return tuple(rows)


NUMBER_TABLE = _tables(lambda p, h: p.counting and h.counting and p.negated == h.negated)
QUANTIFIER_TABLE = _tables(lambda p, h: not (p.negative or h.negative) and not (p.counting and h.counting))
NEGATION_TABLE = _tables(lambda p, h: (p.negative or h.negative) and not (p.counting and h.counting))


def from_table(
    table: Sequence[tuple[Form, tuple[Form, ...], tuple[Form, ...]]], rng: np.random.Generator, entailed: bool
) -> Pair | None:
    """The hypothesis is drawn before the label decides the premise, so that it tells nothing by itself."""
    hypothesis_form, good, bad = pick(rng, table)
    near = tuple(form for form in bad if form.outside == hypothesis_form.outside)
    if near and chance(rng, 0.7):
        bad = near
    premise_form = pick(rng, good if entailed else bad)
    verb = draw_verb(rng, transitive=chance(rng, 0.5))
    subject = draw_phrase(rng, verb.agents, hypothesis_form.quantifier)
    time = pick(rng, TIMES) if chance(rng, 0.3) else None
    patient = draw_object(rng, verb, simple=True) if verb.patients else None
    premise, hypothesis = (
        _with_form(Clause(subject=subject, verb=verb, object=patient, time=time), form)
        for form in (premise_form, hypothesis_form)
    )
    if chance(rng, 0.3):
        hypothesis = weaken(rng, hypothesis)
    return clause_text(premise), clause_text(hypothesis)


def _with_form(clause: Clause, form: Form) -> Clause:
    patient = clause.object
    if form.negated and patient is not None and patient.quantifier is not None:
        patient = replace(patient, quantifier=ANY)
    return replace(clause, subject=replace(clause.subject, quantifier=form.quantifier), negated=form.negated, object=patient)
