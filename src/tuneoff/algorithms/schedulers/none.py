"""No scheduling: every trial runs to its end, first come, first served."""

from __future__ import annotations

from typing import Any

from tuneoff.algorithms.contracts import Continue, Decision, Report, Scheduler, SearchContext


class NoScheduler(Scheduler):
    """Lets every trial go on."""

    @classmethod
    def build(cls, settings: Any, context: SearchContext, num_trials: int) -> NoScheduler:  # noqa: ARG003
        return cls()

    def report(self, report: Report) -> Decision:  # noqa: ARG002
        return Continue()
