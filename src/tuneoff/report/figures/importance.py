"""Importance of the hyperparameters: the loss of a forest's prediction of the score without each of them.

Permutation importance of a random forest (Breiman 2001) on trials that it has not seen, over all searches together; bars:
mean over five folds, lines: one standard deviation. Only trials that ran to their end and copied nobody: a stopped trial's
score depends on when it was stopped, a copied one's on whom it copied. Read it only as far as the R² in the title goes: near
0 or below, the hyperparameters explain nothing of the score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tuneoff.records.schema import COMPLETED
from tuneoff.report.cells import Block
from tuneoff.report.figures import _style as style
from tuneoff.report.frames import HPARAM, Frames

FEWEST_TRIALS = 20
FOLDS, SHUFFLES, TREES = 5, 5, 60


@dataclass(frozen=True, kw_only=True)
class Data:
    """importances: columns hyperparameter, mean, sd (over folds), descending. r2: on trials left out, mean over folds.

    Scores are taken relative to the mean of their repeat, whose split all share.
    """

    importances: pd.DataFrame
    r2: float
    trials: int
    algorithms: tuple[str, ...]


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    """None with fewer than FEWEST_TRIALS usable trials, or fewer than two hyperparameters that vary among them."""
    used = _usable(frames.finished())
    varied = [c for c in used.columns if c.startswith(HPARAM) and used[c].nunique() > 1]
    used = used.dropna(subset=varied)
    if len(used) < FEWEST_TRIALS or len(varied) < 2 or used["validation"].nunique() < 2:
        return None
    codes = {c: used[c] if pd.api.types.is_numeric_dtype(used[c]) else pd.factorize(used[c], sort=True)[0] for c in varied}
    relative = used["validation"].astype(float) - used.groupby("repeat")["validation"].transform("mean").astype(float)
    drops, r2 = _held_out(pd.DataFrame(codes).to_numpy(np.float64), relative.to_numpy(np.float64))
    table = pd.DataFrame(
        {
            "hyperparameter": [c.removeprefix(HPARAM) for c in varied],
            "mean": drops.mean(axis=0),
            "sd": drops.std(axis=0, ddof=1),
        }
    )
    return Data(
        importances=table.sort_values("mean", ascending=False, ignore_index=True),
        r2=r2,
        trials=len(used),
        algorithms=tuple(sorted(set(used["algorithm"]))),
    )


def _usable(done: Frames) -> pd.DataFrame:
    bred = set(done.cells.loc[done.cells["exploits"] > 0, "cell"])
    ended = done.trials[(done.trials["status"] == COMPLETED) & ~done.trials["cell"].isin(bred)]
    return ended.dropna(subset=["validation"]).sort_values(["cell", "trial_id"])


def _held_out(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
    """x: shape (trials, hyperparameters), y: shape (trials,) -> drops of R², shape (FOLDS, hyperparameters); mean R²."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    drops, scores = [], []
    for train, test in KFold(FOLDS, shuffle=True, random_state=0).split(x):
        forest = RandomForestRegressor(TREES, min_samples_leaf=2, random_state=0, n_jobs=1).fit(x[train], y[train])
        drops.append(permutation_importance(forest, x[test], y[test], n_repeats=SHUFFLES, random_state=0).importances_mean)
        scores.append(forest.score(x[test], y[test]))
    return np.stack(drops), float(np.mean(scores))


def draw(data: Data, figure: Figure) -> None:
    table = data.importances
    figure.set_size_inches(style.COLUMN_INCHES, 0.95 + 0.26 * len(table))
    axes = figure.subplots()
    rows = range(len(table))
    axes.barh(
        rows, table["mean"], xerr=table["sd"], color="#7a8699", height=0.6, error_kw={"ecolor": style.INK, "elinewidth": 0.8}
    )
    axes.axvline(0, color=style.FAINT, linewidth=0.8)
    axes.set_yticks(rows, [str(n).replace("_", " ") for n in table["hyperparameter"]])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("fall of held-out R² when shuffled")
    axes.set_title(f"held-out R² {data.r2:.2f}, {data.trials} trials", fontsize=8)
