"""What several figures ask of the frames."""

from __future__ import annotations

import pandas as pd

from tuneoff.report import wording
from tuneoff.report.frames import Frames


def common_rate(cells: pd.DataFrame) -> float | None:
    """Dollars per device-minute, or None where the cells differ in it."""
    rates = cells["per_device_hour_usd"].unique()
    return float(rates[0]) / 60 if len(rates) == 1 else None


def first_repeats(done: Frames) -> dict[str, str]:
    """The cell of each algorithm's lowest finished repeat, by algorithm in the usual order."""
    cells = done.cells.sort_values("repeat")
    return {name: str(cells[cells["algorithm"] == name]["cell"].iloc[0]) for name in wording.order(cells["algorithm"])}
