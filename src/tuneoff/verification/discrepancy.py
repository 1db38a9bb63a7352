"""What a check found: one place in one file where something else stands than has to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tuneoff.records.schema import EvaluationRecord, Header, Record, TrialEndRecord, TrialStartRecord

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError, ZeroDivisionError)
"""What altered contents can raise where they are read."""
EXACT_SINCE = (0, 2)
"""Protocol from which on `parent_evaluation` is the one that was copied, and configurations are hashed as they are now."""


@dataclass(frozen=True, kw_only=True)
class Discrepancy:
    """file: below the study's folder. place: a line, a field. found, expected: as they are to be shown."""

    file: str
    place: str
    found: str
    expected: str

    def line(self) -> str:
        return " ".join(f"{self.file}: {self.place}: found {self.found}, expected {self.expected}".split())


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log of a cell as it is checked. lines: (number from 1, record), those that could be read. before: of an audit, the
    search's evaluations of the trials that went on."""

    file: str
    header: Header
    lines: tuple[tuple[int, Record], ...]
    retraining: bool = False
    audit: bool = False
    before: tuple[EvaluationRecord, ...] = ()

    @property
    def searching(self) -> bool:
        return not self.retraining and not self.audit

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for _, record in self.lines)

    @property
    def evaluations(self) -> Iterator[tuple[int, EvaluationRecord]]:
        return ((number, r) for number, r in self.lines if isinstance(r, EvaluationRecord))

    @property
    def ours(self) -> bool:
        """Whether our own training function trained, whose counts are known: a script's Trainer counts as it likes."""
        engine = self.header.config.get("engine")
        return not isinstance(engine, Mapping) or engine.get("name") == "finetune"

    def wrong(self, number: int, what: str, found: Any, expected: Any) -> Discrepancy:
        return Discrepancy(file=self.file, place=f"line {number}, {what}", found=str(found), expected=str(expected))


def named(record: Record) -> str:
    """A record in words: evaluation 2 of t003."""
    if isinstance(record, EvaluationRecord):
        return f"evaluation {record.evaluation} of {record.trial_id}"
    if isinstance(record, TrialStartRecord | TrialEndRecord):
        return f"{record.kind} of {record.trial_id}"
    return record.kind


def close(a: float, b: float) -> bool:
    """Equal but for the last bits of a sum."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def exact(header: Header) -> bool:
    """Whether the header's protocol is EXACT_SINCE or a later one."""
    return tuple(int(part) for part in header.protocol_version.split(".")[:2]) >= EXACT_SINCE
