"""A second reading of entail's sentences: parse the text, evaluate it in random small worlds.

Independent of the generator: it shares the lexicon (which word falls under which) and nothing else. A world has
`ENTITIES` individuals, each with a kind, properties and the events it takes part in. All arrays start with the axis of
worlds, W, and truth values are bool.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tuneoff.task.entail import lexicon as lex

Bools = NDArray[np.bool_]
ENTITIES = 13
PLACES, TIMES = set(lex.PLACES), set(lex.TIMES)
ADJECTIVES = {*lex.ANIMATE_ADJECTIVES, *lex.THING_ADJECTIVES}
NOUN_OF = {form: noun.singular for noun in lex.NOUNS.values() for form in (noun.singular, noun.plural)}
BASE_OF = {verb.base: verb.base for verb in lex.VERBS.values()} | {base: base for base in lex.MUTUAL}
PAST_OF = {verb.past: verb.base for verb in lex.VERBS.values()} | {past: base for base, past in lex.MUTUAL.items()}
PARTICIPLE_OF = {verb.participle: verb.base for verb in lex.VERBS.values()}
NUMBER_OF = {word: number for number, word in enumerate(lex.NUMBERS)}
GIVERS, TAKERS = dict(lex.TRANSFERS), {got: gave for gave, got in lex.TRANSFERS.items()}

Counts = NDArray[np.int64]
Quantifier = Callable[[Counts, Counts], Bools]
"""From |A| and |A and B| to truth."""
FIXED: dict[str, Quantifier] = {
    "every": lambda a, ab: ab == a,
    "each": lambda a, ab: ab == a,
    "all": lambda a, ab: ab == a,
    "not every": lambda a, ab: ab < a,
    "not all": lambda a, ab: ab < a,
    "some": lambda _, ab: ab > 0,
    "a": lambda _, ab: ab > 0,
    "an": lambda _, ab: ab > 0,
    "any": lambda _, ab: ab > 0,
    "no": lambda _, ab: ab == 0,
    "not a single": lambda _, ab: ab == 0,
}
COUNTED: dict[str, Callable[[int], Quantifier]] = {
    "at least": lambda n: lambda _, ab: ab >= n,
    "more than": lambda n: lambda _, ab: ab > n,
    "at most": lambda n: lambda _, ab: ab <= n,
    "fewer than": lambda n: lambda _, ab: ab < n,
    "exactly": lambda n: lambda _, ab: ab == n,
}


def ancestors(word: str) -> list[str]:
    """`word` and all it falls under."""
    parents = {w: n.parent for w, n in lex.NOUNS.items()} | {w: v.parent for w, v in lex.VERBS.items()}
    chain = [word]
    while (parent := parents.get(chain[-1])) is not None:
        chain.append(parent)
    return chain


@dataclass
class Worlds:
    """`worlds` random worlds fit for two sentences: nothing is drawn that neither mentions."""

    rng: np.random.Generator
    worlds: int
    sentences: tuple[str, ...]
    individuals: dict[str, int] = field(default_factory=dict)
    kinds: list[str] = field(init=False)
    kind: NDArray[np.int64] = field(init=False)
    drawn: dict[object, Bools] = field(default_factory=dict)
    nonempty: Bools = field(init=False)

    def __post_init__(self) -> None:
        words = " ".join(self.sentences).split()
        nouns = {NOUN_OF[w] for w in words if w in NOUN_OF} | ({"person"} if set(words) & set(lex.NAMES) else set())
        self.kinds = sorted({kind for noun in nouns for kind in ancestors(noun)[:2]})
        weights = self.rng.dirichlet(np.full(len(self.kinds), 0.5), self.worlds)
        cumulated = weights.cumsum(1)[:, None, :]
        draws = self.rng.random((self.worlds, ENTITIES, 1))
        self.kind = np.minimum((draws > cumulated).sum(2), len(self.kinds) - 1)
        self.nonempty = np.ones(self.worlds, dtype=bool)
        for sentence in self.sentences:
            tokens = sentence.split()
            for position, token in enumerate(tokens):
                if token in lex.NAMES:
                    self._place(token, "person")
                elif token == "the" and tokens[position + 1] in NOUN_OF:
                    self._place(f"the {tokens[position + 1]}", tokens[position + 1])
        self.verbs = sorted(
            {a for w in words for table in (BASE_OF, PAST_OF, PARTICIPLE_OF) if w in table for a in ancestors(table[w])[:2]}
        )
        self.times = sorted({time for time in TIMES if any(time in s for s in self.sentences)} | {""})

    def _place(self, name: str, noun: str) -> None:
        """The individual `name` is a fixed entity, of a kind under `noun`."""
        if name not in self.individuals:
            index = self.individuals[name] = len(self.individuals)
            fitting = [i for i, kind in enumerate(self.kinds) if noun in ancestors(kind)]
            self.kind[:, index] = self.rng.choice(fitting, self.worlds)

    def noun(self, noun: str) -> Bools:
        return np.isin(self.kind, [i for i, kind in enumerate(self.kinds) if noun in ancestors(kind)])

    def random(self, key: object, axes: int) -> Bools:
        """The extension of `key`, (W, ENTITIES, ...) with `axes` axes of entities; denser in some worlds than others."""
        if key not in self.drawn:
            levels = np.array([0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0], dtype=np.float32)
            density = self.rng.choice(levels, (self.worlds, *[1] * axes))
            if axes > 1:
                by_agent = self.rng.choice(levels, (self.worlds, ENTITIES, *[1] * (axes - 1)))
                density = np.where(self.rng.random(density.shape) < 0.5, density, by_agent)
            self.drawn[key] = self.rng.random((self.worlds, *[ENTITIES] * axes), dtype=np.float32) < density
        return self.drawn[key]

    def events(self, verb: str, time: str, axes: int) -> Bools:
        """Who (and whom) `verb` is true of at `time` ("": at any time)."""
        names = [v for v in self.verbs if verb in ancestors(v)]
        parts = [self.random((v, t, axes), axes) for v in names for t in self.times if time in ("", t)]
        result = np.logical_or.reduce(parts)
        return result | result.swapaxes(1, 2) if verb in lex.MUTUAL else result


@dataclass(frozen=True)
class Phrase:
    """A noun phrase: an individual's entity number, or a quantifier with its class (W, ENTITIES)."""

    entity: int | None
    quantifier: Quantifier | None
    members: Bools | None

    def holds(self, rest: Bools) -> Bools:
        """Truth over the last axis of `rest`, (W, ..., ENTITIES)."""
        if self.quantifier is None:
            return rest[..., self.entity]
        assert self.members is not None
        members = self.members if rest.ndim == 2 else self.members[:, None, :]
        members = np.broadcast_to(members, rest.shape)
        return self.quantifier(members.sum(-1), (members & rest).sum(-1))


class Reader:
    """Reads one sentence in `worlds`."""

    def __init__(self, sentence: str, worlds: Worlds) -> None:
        self.tokens, self.worlds, self.at = sentence.split(), worlds, 0

    def take(self, *phrases: str) -> str:
        """The longest of `phrases` that comes next, "" where none does."""
        for phrase in sorted(phrases, key=len, reverse=True):
            words = phrase.split()
            if self.tokens[self.at : self.at + len(words)] == words:
                self.at += len(words)
                return phrase
        return ""

    def truth(self) -> Bools:
        lead = self.take("neither", "not both", "both")
        first = self.phrase()
        link = self.take("nor", "and", "or", "but not")
        if not link:
            result = first.holds(self.predicate())
        else:
            second = self.phrase()
            self.take("or both")
            rest = self.predicate()
            x, y = first.holds(rest), second.holds(rest)
            result = {"nor": ~x & ~y, "and": x & y, "or": x | y, "but not": x & ~y}[link]
            result = ~result if lead == "not both" else result
        assert self.at == len(self.tokens), f"can't read {self.tokens[self.at :]} in {self.tokens}"
        return result

    def phrase(self) -> Phrase:
        if individual := self.take(*self.worlds.individuals):
            return Phrase(self.worlds.individuals[individual], None, None)
        if bound := self.take(*COUNTED):
            quantifier = COUNTED[bound](NUMBER_OF[self.take(*NUMBER_OF)])
        else:
            quantifier = FIXED[self.take(*FIXED)]
        adjective = self.take(*ADJECTIVES)
        members = self.worlds.noun(NOUN_OF[self.take(*NOUN_OF)])
        place = self.take(*PLACES)
        for label in filter(None, (adjective, place)):
            members = members & self.worlds.random(label, 1)
        self.worlds.nonempty &= members.any(1)
        return Phrase(None, quantifier, members)

    def predicate(self) -> Bools:
        """Of whom the rest of the sentence is true, (W, ENTITIES)."""
        if self.take("was", "were"):
            negated = bool(self.take("not"))
            base = PARTICIPLE_OF[self.take(*PARTICIPLE_OF)]
            assert self.take("by")
            agent = self.phrase()
            result = agent.holds(self.worlds.events(base, self.take(*TIMES), 2).swapaxes(1, 2))
            return ~result if negated else result
        if verb := self.take(*GIVERS, *TAKERS):
            return self.transfer(verb)
        negated = bool(self.take("did not"))
        base = BASE_OF[self.take(*BASE_OF)] if negated else PAST_OF[self.take(*PAST_OF)]
        mark = self.at
        transitive = mark < len(self.tokens) and not self.take(*TIMES)
        self.at = mark
        patient = self.phrase() if transitive else None
        time = self.take(*TIMES)
        result = patient.holds(self.worlds.events(base, time, 2)) if patient else self.worlds.events(base, time, 1)
        return ~result if negated else result

    def transfer(self, verb: str) -> Bools:
        """x gave z to y, or y got z from x; the relation has axes (W, x, y, z)."""
        thing = self.phrase()
        assert self.take("to" if verb in GIVERS else "from")
        other = self.phrase()
        time = self.take(*TIMES)
        gave = verb if verb in GIVERS else TAKERS[verb]
        relation = np.logical_or.reduce([self.worlds.random((gave, t), 3) for t in self.worlds.times if time in ("", t)])
        members = thing.members
        assert members is not None
        some = (relation & members[:, None, None, :]).any(3)
        return other.holds(some if verb in GIVERS else some.swapaxes(1, 2))


def evaluate(rng: np.random.Generator, premise: str, hypothesis: str, worlds: int) -> tuple[Bools, Bools, Bools]:
    """Truth of either sentence in `worlds` worlds, and where all classes named have members; each (worlds,)."""
    random = Worlds(rng, worlds, (premise, hypothesis))
    p, h = Reader(premise, random).truth(), Reader(hypothesis, random).truth()
    return p, h, random.nonempty
