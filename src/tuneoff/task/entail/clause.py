"""Clauses, how they read in English and which way each of their places points.

A quantifier counts: with A the things its noun phrase names and B those the rest of the clause is true of, it says how
many lie in both (`outside` false) or in A outside B (`outside` true). "every" is: none outside; "at least two": two
or more in both. No class is presumed to have members. Scope follows the order of the words: the subject, then "not",
then the object. Both the wording of monotonicity and the idea of labelling by it are those of natural logic
(van Benthem 1986; MacCartney and Manning 2007).
"""

from __future__ import annotations

from dataclasses import dataclass

from tuneoff.task.entail.lexicon import NOUNS, NUMBERS, Verb


@dataclass(frozen=True, kw_only=True)
class Quantifier:
    """`text` before a noun; true where the count lies in [low, high], `high` None for no upper limit."""

    text: str
    plural: bool
    low: int
    high: int | None
    outside: bool = False

    @property
    def noun_polarity(self) -> int:
        """+1: stays true when A grows; -1: stays true when A shrinks; 0: neither."""
        return self._direction

    @property
    def rest_polarity(self) -> int:
        """The same for B."""
        return -self._direction if self.outside else self._direction

    @property
    def _direction(self) -> int:
        return 1 if self.high is None else -1 if self.low == 0 else 0


@dataclass(frozen=True, kw_only=True)
class NounPhrase:
    """`quantifier` None: one particular individual, a name or "the" with a noun, without modifiers."""

    noun: str
    quantifier: Quantifier | None
    adjective: str | None = None
    place: str | None = None


@dataclass(frozen=True, kw_only=True)
class Clause:
    """`passive`: the subject is acted on, and `object` is the agent after "by"."""

    subject: NounPhrase
    verb: Verb
    object: NounPhrase | None = None
    time: str | None = None
    negated: bool = False
    passive: bool = False


def numbered(number: int) -> list[Quantifier]:
    """The five ways to bound a count by `number`, which is from 2 to 6."""
    word, plural = NUMBERS[number], True
    return [
        Quantifier(text=f"at least {word}", plural=plural, low=number, high=None),
        Quantifier(text=f"more than {word}", plural=plural, low=number + 1, high=None),
        Quantifier(text=f"at most {word}", plural=plural, low=0, high=number),
        Quantifier(text=f"fewer than {word}", plural=plural, low=0, high=number - 1),
        Quantifier(text=f"exactly {word}", plural=plural, low=number, high=number),
    ]


EVERY = Quantifier(text="every", plural=False, low=0, high=0, outside=True)
ALL = Quantifier(text="all", plural=True, low=0, high=0, outside=True)
EACH = Quantifier(text="each", plural=False, low=0, high=0, outside=True)
NOT_EVERY = Quantifier(text="not every", plural=False, low=1, high=None, outside=True)
NOT_ALL = Quantifier(text="not all", plural=True, low=1, high=None, outside=True)
SOME = Quantifier(text="some", plural=False, low=1, high=None)
A = Quantifier(text="a", plural=False, low=1, high=None)
ANY = Quantifier(text="any", plural=False, low=1, high=None)
AT_LEAST_ONE = Quantifier(text="at least one", plural=False, low=1, high=None)
NO = Quantifier(text="no", plural=False, low=0, high=0)
NOT_A_SINGLE = Quantifier(text="not a single", plural=False, low=0, high=0)
PLAIN = (EVERY, ALL, EACH, NOT_EVERY, NOT_ALL, SOME, A, AT_LEAST_ONE, NO, NOT_A_SINGLE)
COUNTING = tuple(q for number in range(2, 6) for q in numbered(number))


def polarity(clause: Clause, slot: str) -> int:
    """Which way `slot` points: +1, a wider word there keeps the clause true; -1, a narrower one; 0, neither.

    Slots: "subject.noun", "subject.adjective", "subject.place", "verb", "time", "object.noun" and so on.
    """
    subject = clause.subject.quantifier
    if slot.startswith("subject"):
        return subject.noun_polarity if subject else 0
    sign = (subject.rest_polarity if subject else 1) * (-1 if clause.negated else 1)
    quantifier = clause.object.quantifier if clause.object else None
    if slot.startswith("object"):
        return sign * (quantifier.noun_polarity if quantifier else 0)
    return sign * (quantifier.rest_polarity if quantifier else 1)


def noun_phrase_text(phrase: NounPhrase) -> str:
    if phrase.noun not in NOUNS:
        return phrase.noun
    noun, quantifier = NOUNS[phrase.noun], phrase.quantifier
    if quantifier is None:
        return f"the {noun.singular}"
    words = [phrase.adjective, noun.plural if quantifier.plural else noun.singular, phrase.place]
    rest = " ".join(word for word in words if word)
    article = "an" if quantifier.text == "a" and rest[0] in "aeiou" else quantifier.text
    return f"{article} {rest}"


def predicate_text(clause: Clause) -> str:
    """All but the subject."""
    plural = clause.subject.quantifier is not None and clause.subject.quantifier.plural
    if clause.passive:
        words = ["were" if plural else "was", "not" if clause.negated else "", clause.verb.participle, "by"]
    else:
        words = ["did", "not", clause.verb.base] if clause.negated else [clause.verb.past]
    words += [noun_phrase_text(clause.object) if clause.object else "", clause.time or ""]
    return " ".join(word for word in words if word)


def clause_text(clause: Clause) -> str:
    return f"{noun_phrase_text(clause.subject)} {predicate_text(clause)}"
