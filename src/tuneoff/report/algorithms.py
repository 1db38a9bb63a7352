"""The algorithms of a study as a report shows them: label, colour, marker, role and order, as their headers declare them.

Everywhere else in the report an algorithm is known by its label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuneoff.algorithms.discovery import find_scheduler, find_searcher
from tuneoff.algorithms.presentation import (
    PRESENTATION_KEYS,
    RANDOM,
    UNTUNED,
    Presentation,
    derived_color,
    name_digest,
    packaged_presentation,
)
from tuneoff.errors import UserError
from tuneoff.records.schema import Header

_MARKERS = "osD^vP"


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """replicated: label of the algorithm that this one is a replica of, None where it is none or the study lacks that one.
    machinery: what there is to it beyond trying points, see machinery_of.
    """

    name: str
    label: str
    color: str
    untuned: bool = False
    random: bool = False
    replica: bool = False
    replicated: str | None = None
    machinery: int = 0

    @property
    def marker(self) -> str:
        """A second channel beside colour, a function of the name alone; byte 3 tells most of ours apart."""
        return _MARKERS[name_digest(self.name, 3) % len(_MARKERS)]


@dataclass(frozen=True, kw_only=True)
class Algorithms:
    """by_label: in the order of tables and figures: untuned baselines, random search, searches, replicas; each by label."""

    by_label: Mapping[str, Algorithm]

    @classmethod
    def of_headers(cls, headers: Iterable[Header]) -> Algorithms:
        """One for each name. A header that declares nothing gets what our YAML of that name declares, if there is one.

        Two names with the same label keep their names as labels, so that they are never taken for one algorithm.
        """
        known = list(headers)
        parts = {h.algorithm: machinery_of(h.config.get("algorithm")) for h in known}
        return cls.of({h.algorithm: declared_presentation(h) for h in known}, parts)

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Algorithms:
        """As our YAML files of these names declare them."""
        return cls.of({name: packaged_presentation(name) for name in names})

    @classmethod
    def of(cls, declared: Mapping[str, Presentation], machinery: Mapping[str, int] | None = None) -> Algorithms:
        wanted = {name: presentation.label or name for name, presentation in declared.items()}
        count = Counter(wanted.values())
        labels = {
            name: name if count[label] > 1 or (label != name and label in declared) else label for name, label in wanted.items()
        }
        made = [
            Algorithm(
                name=name,
                label=labels[name],
                color=shown.color or derived_color(name),
                untuned=shown.role == UNTUNED,
                random=shown.role == RANDOM,
                replica=shown.replicated is not None,
                replicated=labels.get(shown.replicated or ""),
                machinery=(machinery or {}).get(name, 0),
            )
            for name, shown in declared.items()
        ]
        made.sort(key=lambda a: (not a.untuned, not a.random, a.replica, a.label))
        return cls(by_label={algorithm.label: algorithm for algorithm in made})

    def label(self, name: str) -> str:
        """The label of the algorithm that its header calls `name`."""
        return next(algorithm.label for algorithm in self.by_label.values() if algorithm.name == name)

    def order(self, labels: Iterable[str]) -> list[str]:
        """The different ones of `labels`, in the order of tables and figures."""
        there = set(labels)
        return [label for label in self.by_label if label in there] + sorted(there - set(self.by_label))

    def color(self, label: str) -> str:
        return self.by_label[label].color

    def marker(self, label: str) -> str:
        return self.by_label[label].marker

    def is_untuned(self, label: str) -> bool:
        return label in self.by_label and self.by_label[label].untuned

    def is_replica(self, label: str) -> bool:
        return label in self.by_label and self.by_label[label].replica

    def untuned(self, labels: Sequence[str]) -> str | None:
        """The first of `labels` that is an untuned baseline, or None."""
        return next((label for label in labels if self.is_untuned(label)), None)

    def is_random(self, label: str) -> bool:
        return label in self.by_label and self.by_label[label].random

    def simplest_first(self, labels: Iterable[str]) -> list[str]:
        """By role (untuned, random, the others), then by machinery, then in the order of tables."""
        return sorted(self.order(labels), key=self._simplicity)

    def _simplicity(self, label: str) -> tuple[bool, bool, int]:
        known = self.by_label.get(label)
        return (True, True, 0) if known is None else (not known.untuned, not known.random, known.machinery)

    def replica_pair(self, first: str, second: str) -> tuple[str, str] | None:
        """(original, replica) where one of the two is a replica of the other, else None."""
        for original, replica in ((first, second), (second, first)):
            if replica in self.by_label and self.by_label[replica].replicated == original:
                return original, replica
        return None


def declared_presentation(header: Header) -> Presentation:
    """As the header's configuration declares it, else as our YAML of the algorithm's name does."""
    settings = header.config.get("algorithm")
    if isinstance(settings, Mapping) and any(settings.get(key) is not None for key in PRESENTATION_KEYS):
        return Presentation.from_dict(settings)
    return packaged_presentation(header.algorithm)


def machinery_of(settings: Any) -> int:
    """Of an algorithm's settings as a header has them: 1 for a searcher that learns, 1 for stopping early, 2 for a population.

    What this process can't find (a part of a plugin that is not loaded) counts 1.
    """
    searcher, scheduler = (_name(settings, part) for part in ("searcher", "scheduler"))
    try:
        learns = int(find_searcher(searcher).learns) if searcher else 0
    except UserError:
        learns = 1
    try:
        found = find_scheduler(scheduler) if scheduler else None
    except UserError:
        return learns + 1
    return learns + (2 * found.population + found.stops_early if found else 0)


def _name(settings: Any, part: str) -> str:
    chosen = settings.get(part) if isinstance(settings, Mapping) else None
    return str(chosen.get("name") or "") if isinstance(chosen, Mapping) else ""
