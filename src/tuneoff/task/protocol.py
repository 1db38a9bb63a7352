"""The protocols, what each declares about splits and test scores, and the settings of one (`conf/protocol/*.yaml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tuneoff.errors import check_flag, check_mapping, check_number, check_one_of, check_whole
from tuneoff.task.base import TaskError
from tuneoff.task.groups import GROUP_BY

VALIDATION_FROM = ("train", "dev")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The rules of a protocol. Whoever needs one asks for the property, never for the name."""

    name: str
    halves_dev: bool
    """Validation and test are the halves of the dev split, unshuffled; nothing is cut, so it has no settings."""
    tests_every_evaluation: bool
    """All evaluations are scored on test; otherwise only those that can be the incumbent."""
    tests_newest_checkpoint: bool
    """The test score of a search is that of its best trial's newest checkpoint; otherwise that of the incumbent itself."""


PROTOCOLS: Mapping[str, Protocol] = {
    rules.name: rules
    for rules in (
        Protocol(name="heldout", halves_dev=False, tests_every_evaluation=False, tests_newest_checkpoint=False),
        Protocol(name="blog2020", halves_dev=True, tests_every_evaluation=True, tests_newest_checkpoint=True),
    )
}


def protocol_rules(name: str) -> Protocol:
    """Raises TaskError for a protocol that does not exist."""
    check_one_of("protocol.name", name, tuple(PROTOCOLS), TaskError)
    return PROTOCOLS[name]


@dataclass(frozen=True, kw_only=True)
class ProtocolSettings:
    """The rows that a search trains on, those that it selects by, and those that score its result.

    Only `heldout` has settings: `blog2020` is the published experiment and takes none.
    """

    name: str
    validation_from: str = "train"
    """train: cut anew for each repeat; dev: the task's own dev split, the same in every repeat."""
    validation_fraction: float = 0.15
    """Share of train (after a test cut)."""
    validation_rows: int | None = None
    """Number of rows, used instead of the fraction where it is given."""
    test_fraction: float = 0.2
    """Share of train that is cut off as test, for a task that has neither a labelled test nor a spare dev split."""
    test_rows: int | None = None
    test_seed: int = 0
    """Seed of that cut, which is the same in every repeat."""
    group_by: str = "sentence"
    """Rows that a cut keeps on one side; see `groups.group_rows`."""
    drop_test_overlap: bool = False
    """Leave out train rows that share a text with test."""

    def __post_init__(self) -> None:
        protocol_rules(self.name)
        check_one_of("protocol.validation_from", self.validation_from, VALIDATION_FROM, TaskError)
        check_one_of("protocol.group_by", self.group_by, GROUP_BY, TaskError)
        for name in ("validation_fraction", "test_fraction"):
            rule = "above 0 and below 1, such as 0.15"
            check_number(f"protocol.{name}", getattr(self, name), rule, TaskError, above=0, below=1)
        for name in ("validation_rows", "test_rows"):
            if getattr(self, name) is not None:
                check_whole(
                    f"protocol.{name}", getattr(self, name), 2, kind=TaskError, otherwise=", or null to use the fraction"
                )
        check_whole("protocol.test_seed", self.test_seed, 0, kind=TaskError)
        check_flag("protocol.drop_test_overlap", self.drop_test_overlap, TaskError)

    @property
    def rules(self) -> Protocol:
        return PROTOCOLS[self.name]

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> ProtocolSettings:
        """Raises TaskError for an unknown protocol, a setting that it does not have, or a value outside its rule."""
        name = check_mapping("protocol", values, "protocol=heldout", TaskError).get("name")
        check_one_of("protocol.name", name, tuple(PROTOCOLS), TaskError)
        assert isinstance(name, str)
        names = ["name"] if PROTOCOLS[name].halves_dev else [field.name for field in fields(ProtocolSettings)]
        unknown = sorted(set(values) - set(names), key=str)
        if unknown:
            raise TaskError(f"protocol.{unknown[0]} is not a setting of protocol={name}: there are {', '.join(names)}")
        return ProtocolSettings(**values)
