"""Data of the page's interactive chart: curves of the searches and every trial, as JSON inside the page.

Nothing is computed in the browser but positions: means and costs come from the same functions as the figures'.
"""

from __future__ import annotations

import json
import math
from typing import Any

from tuneoff.report import wording
from tuneoff.report.cells import Block
from tuneoff.report.curves import UNITS, Searches, bands
from tuneoff.report.frames import HPARAM, Frames
from tuneoff.task.units import has_scale

MOST_TRIALS = 4000
"""Beyond it the last repeats' trials are left out of the chart, and the chart says so."""


def chart(block: Block, frames: Frames) -> dict[str, Any] | None:
    """None where no search has a curve. Curves: [cost, mean] steps by score, unit and algorithm; trials: a point each."""
    done = frames.finished()
    curves = {
        score: {
            unit: {name: {"cost": _plain(b.cost), "mean": _plain(b.mean)} for name, b in bands(done, score, unit).items()}
            for unit in UNITS
        }
        for score in ("test", "validation")
    }
    if not curves["validation"]["minutes"]:
        return None
    names = done.algorithms.order(done.cells["algorithm"])
    return {
        "metric": block.metric,
        "scale": wording.scale_of(block.metric),
        "unit": wording.unit_of(block.metric),
        "cost": "epochs" if Searches.of(frames).equal_budget(names) else "minutes",
        "digits": 1 if wording.is_share(block.metric) else 3 if has_scale(block.metric) else None,
        "costs": {
            "minutes": f"charged {wording.device_label(done.cells['device_kind'])}-minutes",
            "dollars": "dollars",
            "epochs": "epochs trained, all trials together",
        },
        "colours": {name: done.algorithms.color(name) for name in names},
        "curves": curves,
        "trials": _trials(done),
    }


def _trials(done: Frames) -> list[dict[str, Any]]:
    """Each trial at its best validation score: cost when that was known, and a sentence with its configuration."""
    own = done.evaluations.sort_values(["repeat", "cell"], kind="stable")
    best = own.sort_values("validation", ascending=False, kind="stable").drop_duplicates(["cell", "trial_id"])
    status = done.trials.set_index(["cell", "trial_id"])["status"].to_dict()
    rows = []
    for r in best.sort_values(["repeat", "charged_seconds"], kind="stable").head(MOST_TRIALS).to_dict("records"):
        named = ((str(name), value) for name, value in r.items())
        hparams = ", ".join(
            f"{name.removeprefix(HPARAM).replace('_', ' ')} {_short(value)}"
            for name, value in named
            if name.startswith(HPARAM) and not (isinstance(value, float) and math.isnan(value))
        )
        cost = {unit: float(f"{r[column] * factor:.6g}") for unit, (column, _, factor) in UNITS.items()}
        rows.append(
            {
                "algorithm": r["algorithm"],
                "cost": cost,
                "validation": r["validation"],
                "test": _or_none(r["test"]),
                "text": f"repeat {r['repeat']}, trial {r['trial_id']}, epoch {r['epoch']:g}, "
                f"{status.get((r['cell'], r['trial_id']), '')}; {hparams}",
            }
        )
    return rows


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(values: Any) -> list[float]:
    return [float(f"{v:.6g}") for v in values]


def safe_json(value: Any) -> str:
    """JSON that can stand inside a script element: no character can end it or begin a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
