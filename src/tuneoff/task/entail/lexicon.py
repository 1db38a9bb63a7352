"""The words of the grammar and what they mean: which noun or verb falls under which.

A tree maps a word to the trees below it. Every word below another is a kind of it: each poodle is a dog, each dog an
animal; whoever sprinted ran, whoever ran moved. The adjectives, places and times are intersective: a wet dog is a dog.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Tree = Mapping[str, Any]

NOUN_TREE: Tree = {
    "animal": {
        "dog": {"poodle": {}, "beagle": {}, "terrier": {}, "collie": {}},
        "bird": {"robin": {}, "sparrow": {}, "owl": {}, "crow": {}},
        "horse": {"pony": {}, "mare": {}, "stallion": {}},
        "insect": {"ant": {}, "bee": {}, "beetle": {}, "moth": {}},
        "snake": {"cobra": {}, "viper": {}, "python": {}},
    },
    "person": {
        "child": {"boy": {}, "girl": {}, "toddler": {}},
        "doctor": {"surgeon": {}, "dentist": {}, "pathologist": {}},
        "musician": {"drummer": {}, "violinist": {}, "pianist": {}, "flutist": {}},
        "artist": {"painter": {}, "sculptor": {}, "potter": {}},
        "scientist": {"chemist": {}, "physicist": {}, "biologist": {}},
        "athlete": {"swimmer": {}, "boxer": {}, "skier": {}},
    },
    "food": {
        "fruit": {"apple": {}, "pear": {}, "plum": {}, "peach": {}},
        "vegetable": {"carrot": {}, "onion": {}, "turnip": {}, "radish": {}},
    },
    "plant": {
        "flower": {"rose": {}, "tulip": {}, "lily": {}, "daisy": {}},
        "tree": {"oak": {}, "pine": {}, "elm": {}, "birch": {}},
    },
    "vehicle": {"car": {"taxi": {}, "jeep": {}, "limousine": {}}, "boat": {"ferry": {}, "canoe": {}, "yacht": {}}},
    "tool": {"knife": {"dagger": {}, "scalpel": {}, "machete": {}}, "saw": {"hacksaw": {}, "chainsaw": {}, "jigsaw": {}}},
}
IRREGULAR_PLURALS = {"person": "people", "child": "children", "knife": "knives"}
PEOPLE = ("person",)
ANIMATE = ("animal", "person")
FOOD = ("food",)
THINGS = ("food", "plant", "vehicle", "tool")

NAMES = ("anna", "bob", "carla", "david", "emma", "felix", "greta", "henry", "iris", "jonas", "karen", "liam")
ANIMATE_ADJECTIVES = ("tired", "hungry", "wet", "muddy", "angry", "blind")
THING_ADJECTIVES = ("red", "green", "yellow", "dusty", "dirty", "wet")
PLACES = ("in the garden", "in the park", "near the river", "near the bridge", "behind the house", "outside the school")
TIMES = ("on monday", "on friday", "at noon", "at night", "in april", "in winter")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")

_INTRANSITIVE: tuple[tuple[tuple[str, ...], Tree], ...] = (
    (ANIMATE, {"move": {"walk": {"stroll": {}, "march": {}, "limp": {}}, "run": {"sprint": {}, "jog": {}, "dash": {}}}}),
    (ANIMATE, {"rest": {"sleep": {"nap": {}, "doze": {}, "snooze": {}}, "lounge": {}}}),
    (PEOPLE, {"perform": {"dance": {"waltz": {}, "twirl": {}}, "sing": {"croon": {}, "yodel": {}}}}),
    (PEOPLE, {"laugh": {"giggle": {}, "chuckle": {}, "cackle": {}}}),
)
_TRANSITIVE: tuple[tuple[tuple[str, ...], tuple[str, ...], Tree], ...] = (
    (ANIMATE, ANIMATE, {"touch": {"hit": {"punch": {}, "slap": {}, "kick": {}}, "hold": {"hug": {}, "cuddle": {}}}}),
    (ANIMATE, ANIMATE, {"see": {"watch": {}, "spot": {}, "glimpse": {}}}),
    (ANIMATE, ANIMATE, {"follow": {"chase": {}, "stalk": {}, "trail": {}}}),
    (PEOPLE, ANIMATE + THINGS, {"shift": {"push": {"shove": {}, "nudge": {}}, "pull": {"drag": {}, "tug": {}}}}),
    (PEOPLE, THINGS, {"clean": {"wash": {"rinse": {}, "scrub": {}}, "wipe": {}}}),
    (PEOPLE, FOOD, {"prepare": {"cook": {"boil": {}, "fry": {}, "bake": {}, "roast": {}}}}),
    (ANIMATE, FOOD, {"consume": {"eat": {"nibble": {}, "devour": {}, "munch": {}}}}),
)
_IRREGULAR_PAST = {
    "run": ("ran", "run"),
    "sleep": ("slept", "slept"),
    "sing": ("sang", "sung"),
    "hit": ("hit", "hit"),
    "hold": ("held", "held"),
    "see": ("saw", "seen"),
    "eat": ("ate", "eaten"),
}
_DOUBLED = ("jog", "nap", "slap", "hug", "spot", "drag", "tug", "scrub")

MUTUAL = {"meet": "met", "marry": "married", "fight": "fought"}
"""Base and past form of verbs that hold both ways: if anna met bob, then bob met anna."""
TRANSFERS = {"gave": "got", "sold": "bought", "lent": "borrowed"}
"""x gave z to y is the same event as y got z from x."""


@dataclass(frozen=True, kw_only=True)
class Noun:
    """A common noun; `parent` is the word it falls under, `kin` the root of its tree."""

    singular: str
    plural: str
    parent: str | None
    children: tuple[str, ...]
    kin: str


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A verb; `agents` and `patients` name the noun trees that fit. No patients: intransitive."""

    base: str
    past: str
    participle: str
    parent: str | None
    children: tuple[str, ...]
    agents: tuple[str, ...]
    patients: tuple[str, ...]


def _walk(tree: Tree, parent: str | None = None) -> Iterator[tuple[str, str | None, tuple[str, ...]]]:
    for word, below in tree.items():
        yield word, parent, tuple(below)
        yield from _walk(below, word)


def _plural(word: str) -> str:
    if word in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def _past(base: str) -> tuple[str, str]:
    if base in _IRREGULAR_PAST:
        return _IRREGULAR_PAST[base]
    if base in _DOUBLED:
        past = base + base[-1] + "ed"
    elif base.endswith("y") and base[-2] not in "aeiou":
        past = base[:-1] + "ied"
    else:
        past = base + ("d" if base.endswith("e") else "ed")
    return past, past


def _nouns() -> dict[str, Noun]:
    nouns = {}
    for kin, below in NOUN_TREE.items():
        for word, parent, children in _walk({kin: below}):
            nouns[word] = Noun(singular=word, plural=_plural(word), parent=parent, children=children, kin=kin)
    return nouns


def _verbs() -> dict[str, Verb]:
    verbs = {}
    for agents, patients, tree in [(a, (), t) for a, t in _INTRANSITIVE] + list(_TRANSITIVE):
        for base, parent, children in _walk(tree):
            past, participle = _past(base)
            verbs[base] = Verb(
                base=base, past=past, participle=participle, parent=parent, children=children, agents=agents, patients=patients
            )
    return verbs


NOUNS = _nouns()
VERBS = _verbs()
