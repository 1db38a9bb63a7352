"""THE rule of what a search is charged: wall seconds x devices held, session by session, idle or not."""

from __future__ import annotations

import math
from collections.abc import Callable

from tuneoff.price import charged_device_seconds
from tuneoff.records.schema import Cell


def charged_seconds(cell: Cell, elapsed_seconds: float) -> float:
    """Device-seconds charged up to a moment."""
    return charged_clock(cell)(elapsed_seconds)


def charged_clock(cell: Cell) -> Callable[[float], float]:
    """`charged_seconds` of one cell at many moments: its sessions are looked up once."""
    starts = sorted((r.elapsed_seconds, r.devices) for r in cell.session_starts)
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0.0, cell.devices))
    ends = [*(start for start, _ in starts[1:]), math.inf]

    def charged(elapsed_seconds: float) -> float:
        return sum(
            charged_device_seconds(max(0.0, min(end, elapsed_seconds) - start), devices)
            for (start, devices), end in zip(starts, ends, strict=True)
        )

    return charged
