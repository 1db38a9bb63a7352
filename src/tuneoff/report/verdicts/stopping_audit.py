"""Early-stopping audit: the cost that stopping early saved, and the score that it lost, estimated and, where trials were
completed for it, measured.

Which trials were stopped wrongly can't be known without completing them. With `audit=SHARE` a random share of them is, see
records.audit. For every search it is estimated from trials that ran to their end: for each stopped trial, the completed trials
whose score was closest at the same epoch lend their later gains, which says how often a trial in its place has gone on to beat
the search's incumbent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tuneoff.records.schema import BUDGET_SPENT, COMPLETED, STOPPED
from tuneoff.report.frames import HPARAM, Frames
from tuneoff.report.statistics.stopping import AuditedSearch, stopping_regret, wrongly_stopped
from tuneoff.report.statistics.summary import Interval

PLANNED = HPARAM + "num_epochs"
NEIGHBOURS, DRAWS = 20, 2000


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The audit of one algorithm, summed over its finished repeats. Estimates are NaN where no completed trial can lend a gain.

    wrongly_stopped: expected number of stopped trials that would have beaten their search's incumbent on validation.
    regret: expected loss of the winner's validation score, mean over repeats. reference: lending trials.
    survivors_only: the lending trials come from searches that stop trials themselves, so they are the better ones.
    audited: stopped trials that went on after the search, of the audited_stopped ones in searches that have a complete audit.
    measured_wrongly, measured_regret: what they say of those searches, see statistics.stopping; NaN without any.
    """

    algorithm: str
    stopped: int
    trials: int
    epochs_saved: float
    epochs_trained: float
    seconds_saved: float
    seconds_busy: float
    wrongly_stopped: float
    regret: float
    reference: int
    survivors_only: bool
    audited: int
    audited_stopped: int
    measured_wrongly: Interval
    measured_regret: Interval

    def numbers(self) -> dict[str, Any]:
        """A flat row: the intervals as estimate, low and high."""
        values = {name: value for name, value in vars(self).items() if not isinstance(value, Interval)}
        for name, interval in (("measured_wrongly", self.measured_wrongly), ("measured_regret", self.measured_regret)):
            values |= {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return values


def stopped_trials(done: Frames) -> pd.DataFrame:
    """Trials that a scheduler stopped: a row each, with epoch, score there, and planned epochs."""
    trials = done.trials
    if PLANNED not in trials:
        return trials.iloc[:0].assign(epoch=0.0, score=0.0, planned=0.0)
    own = trials[(trials["status"] == STOPPED) & (trials["reason"] != BUDGET_SPENT)]
    last = done.evaluations.groupby(["cell", "trial_id"])["epoch"].last().rename("epoch")
    made = own.merge(last, left_on=["cell", "trial_id"], right_index=True)  # those with an evaluation
    made = made.assign(score=made["last_validation"].astype(float), planned=made[PLANNED].astype(float))
    return made[made["planned"] > made["epoch"]]


def audits(frames: Frames) -> list[Audit]:
    """One for each algorithm that stopped a trial before its planned end."""
    done = frames.finished()
    stopped = stopped_trials(done)
    lenders, survivors = _lenders(done, set(stopped["algorithm"]))
    return [
        _audit(name, done, stopped[stopped["algorithm"] == name], lenders, survivors)
        for name in done.algorithms.order(stopped["algorithm"])
    ]


def _audit(name: str, done: Frames, own: pd.DataFrame, lenders: pd.DataFrame, survivors: bool) -> Audit:
    trials = done.trials[done.trials["algorithm"] == name]
    left = own["planned"] - own["epoch"]
    pace = own["busy_seconds"].astype(float) / own["epochs_trained"].astype(float).clip(lower=1e-9)
    wrongly, regrets, rng = 0.0, [], np.random.default_rng(0)
    cells = done.cells[done.cells["algorithm"] == name].set_index("cell")["validation"].astype(float)
    for cell, best in cells.items():
        excess = _excess(own[own["cell"] == cell], float(best), lenders, rng)
        wrongly += float((excess > 0).mean(axis=1).sum()) if len(excess) else 0.0
        regrets.append(float(np.maximum(excess, 0).max(axis=0).mean()) if len(excess) else 0.0)
    known, searches = len(lenders) > 0, _audited_searches(name, done, own)
    return Audit(
        algorithm=name,
        stopped=len(own),
        trials=len(trials),
        epochs_saved=float(left.sum()),
        epochs_trained=float(trials["epochs_trained"].sum()),
        seconds_saved=float((left * pace).sum()),
        seconds_busy=float(trials["busy_seconds"].sum()),
        wrongly_stopped=wrongly if known else float("nan"),
        regret=float(np.mean(regrets)) if known else float("nan"),
        survivors_only=survivors,
        reference=lenders.groupby(["cell", "trial_id"]).ngroups if known else 0,
        audited=sum(len(search.excess) for search in searches),
        audited_stopped=sum(search.stopped for search in searches),
        measured_wrongly=wrongly_stopped(searches),
        measured_regret=stopping_regret(searches),
    )


def _audited_searches(name: str, done: Frames, own: pd.DataFrame) -> list[AuditedSearch]:
    """The searches of an algorithm that have a complete audit. own: its stopped trials."""
    cells = done.cells[(done.cells["algorithm"] == name) & (done.cells["audit_share"] > 0)]
    best = done.audited.groupby(["cell", "trial_id"])["validation"].max()
    return [
        AuditedSearch(
            stopped=int((own["cell"] == cell).sum()),
            excess=(best[cell].fillna(-np.inf) - result).to_numpy(np.float64) if cell in best else np.empty(0),
            share=float(share),
        )
        for cell, result, share in zip(cells["cell"], cells["validation"].astype(float), cells["audit_share"], strict=True)
    ]


def _lenders(done: Frames, stopping: set[str]) -> tuple[pd.DataFrame, bool]:
    """Evaluations of trials that ran to their end and copied nobody, with `gain`: the best score to come minus this.

    Of searches that stop nobody, where there are any: those of the others are survivors (second value: True).
    """
    ended = done.trials[(done.trials["status"] == COMPLETED) & (done.trials["exploits"] == 0)]
    free = ended[~ended["algorithm"].isin(stopping)]
    chosen = free if len(free) else ended
    own = done.evaluations.merge(chosen[["cell", "trial_id"]], on=["cell", "trial_id"])
    own = own.assign(validation=own["validation"].astype(float))
    ahead = own.iloc[::-1].groupby(["cell", "trial_id"])["validation"].cummax()  # aligned by the index below
    return own.assign(gain=ahead - own["validation"]), not len(free)


def _excess(own: pd.DataFrame, best: float, lenders: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """By how much each stopped trial would have beaten `best`, in draws; shape (stopped, DRAWS)."""
    rows = []
    for epoch, score in zip(own["epoch"].to_numpy(np.float64), own["score"].to_numpy(np.float64), strict=True):
        there = lenders[np.isclose(lenders["epoch"].astype(float), epoch)]
        if there.empty:
            continue
        near = np.abs(there["validation"].to_numpy(np.float64) - score).argsort(kind="stable")[:NEIGHBOURS]
        rows.append(score + rng.choice(there["gain"].to_numpy(np.float64)[near], DRAWS) - best)
    return np.stack(rows) if rows else np.empty((0, DRAWS))
