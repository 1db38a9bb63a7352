"""The algorithms of a study as a report shows them: label, colour, marker, role and order, as their headers declare them.

Everywhere else in the report an algorithm is known by its label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tuneoff.algorithms.presentation import (
    PRESENTATION_KEYS,
    RANDOM,
    UNTUNED,
    Presentation,
    derived_color,
    name_digest,
    packaged_presentation,
)
from tuneoff.records.schema import Header

_MARKERS = "osD^vP"


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """replicated: label of the algorithm that this one is a replica of, None where it is none or the study lacks that one."""

    name: str
    label: str
    color: str
    untuned: bool = False
    random: bool = False
    replica: bool = False
    replicated: str | None = None

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
        return cls.of({h.algorithm: declared_presentation(h) for h in headers})

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Algorithms:
        """As our YAML files of these names declare them."""
        return cls.of({name: packaged_presentation(name) for name in names})

    @classmethod
    def of(cls, declared: Mapping[str, Presentation]) -> Algorithms:
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

    def untuned(self, labels: Sequence[str]) -> str | None:
        """The first of `labels` that is an untuned baseline, or None."""
        return next((label for label in labels if self.is_untuned(label)), None)

    def is_random(self, label: str) -> bool:
        return label in self.by_label and self.by_label[label].random

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
