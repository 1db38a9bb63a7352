"""Which hyperparameters mattered: how much a forest's prediction of the score loses without each of them.

Permutation importance of a random forest on trials it has not seen, over all searches together; bars: mean over five
folds, lines: one standard deviation. Only trials that ran to their end and copied nobody. Read it only as far as the R²
in the title goes: near 0 or below, the hyperparameters explain nothing of the score.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from tuneoff.report import style
from tuneoff.report.frames import Frames
from tuneoff.report.importance import Importance, importance
from tuneoff.report.reading import Block

Data = Importance


def data(block: Block, frames: Frames) -> Data | None:  # noqa: ARG001 - every figure takes its block
    return importance(frames)


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
