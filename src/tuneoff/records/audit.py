"""The audit of early stopping: which of the stopped trials go on to their end, outside the charge, when the search is finished.

Their evaluations and ends are in a log of their own, `audit.jsonl`, under the trials' own names; a trial's evaluations are
numbered on from those of the search.
"""

from __future__ import annotations

from tuneoff.records.schema import STOPPED, STOPPED_EARLY, Cell, Header
from tuneoff.seeds import audit_number

AUDITED = "audit"
"""In the header's `extra`: the share up to which the audit is complete."""


def is_drawn(header: Header, trial_id: str, share: float) -> bool:
    """Whether a trial of this search goes on, if it is stopped early. Each does with probability `share`, by the search's seed
    and its name alone."""
    return audit_number(header.seeds["search"], trial_id) < share


def stopped_early(cell: Cell) -> list[str]:
    """Names of the trials that the scheduler ended, in the order of their ends."""
    return [end.trial_id for end in cell.trial_ends if (end.status, end.reason) == (STOPPED, STOPPED_EARLY)]


def drawn(cell: Cell, share: float) -> list[str]:
    """The stopped trials of the audit, in the order of their ends."""
    return [name for name in stopped_early(cell) if is_drawn(cell.header, name, share)]


def completed_share(header: Header) -> float:
    """The share up to which the audit of this search is complete; 0 where there was none."""
    return float(header.extra.get(AUDITED, 0.0))
