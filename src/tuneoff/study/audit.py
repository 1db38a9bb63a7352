"""Stopped trials that go on to their end after the search, outside its charge, to measure what stopping them cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tuneoff.algorithms.contracts import History, Point, SearchContext, Searcher
from tuneoff.algorithms.schedulers.none import NoScheduler
from tuneoff.algorithms.search import Search
from tuneoff.records.incumbent import best_score
from tuneoff.records.schema import Cell, TrialStartRecord
from tuneoff.study.resume import Resumption, resume


class _Nothing(Searcher):
    """Proposes no trial: those of the audit are known."""

    @classmethod
    def build(cls, settings: Any, context: SearchContext, trials: int | None) -> _Nothing:  # noqa: ARG003
        return cls(trials or 0)

    def propose(self, history: History, rng: np.random.Generator) -> Point | None:  # noqa: ARG002
        return None


def audit_search(names: list[str], context: SearchContext) -> Search:
    """A search of these trials alone, in which none is stopped."""
    return Search(_Nothing.build(None, context, len(names)), NoScheduler(), context)


def resume_audit(searched: Cell, audit: Cell, search: Search, names: list[str], evaluations_per_epoch: int) -> Resumption:
    """Where the audit stands: each trial goes on from its newest state that is on the disk, else from scratch, with the same
    seed. searched, audit: the two logs. names: of the trials."""
    wanted = set(names)
    before = [r for r in searched.records if isinstance(r, TrialStartRecord) and r.trial_id in wanted]
    evaluations = [r for r in searched.evaluations if r.trial_id in wanted]
    since = [r for r in audit.records if not isinstance(r, TrialStartRecord)]
    found = resume(replace(audit, records=(*before, *evaluations, *since)), search, evaluations_per_epoch)
    earlier = replace(found.earlier, elapsed_seconds=audit.wall_seconds, best=max(best_score(searched), best_score(audit)))
    return Resumption(
        earlier=earlier, missing_ends=tuple(replace(end, elapsed_seconds=audit.wall_seconds) for end in found.missing_ends)
    )


def unstarted(audit: Cell, search: Search, names: list[str]) -> list[TrialStartRecord]:
    """The first lines of the trials that the audit's log does not name yet. search: as it stands after `resume_audit`."""
    known = {r.trial_id for r in audit.records if isinstance(r, TrialStartRecord)}
    return [
        TrialStartRecord(trial_id=name, hparams=dict(search.hparams(name)), elapsed_seconds=audit.wall_seconds)
        for name in names
        if name not in known
    ]
