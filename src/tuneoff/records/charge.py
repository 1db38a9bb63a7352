"""THE rule of what a search is charged: wall seconds x devices held, session by session, idle or not."""

from __future__ import annotations

import math
from collections.abc import Callable

from tuneoff.price import charged_device_seconds
from tuneoff.records.schema import Cell


def charged_seconds(cell: Cell, elapsed_seconds: float) -> float:
    """Device-seconds charged up to a moment."""
    return charged_clock(cell)(elapsed_seconds)


def session_devices(cell: Cell) -> list[tuple[float, int]]:
    """When each session began (elapsed seconds), and the devices that it held, in order. Of two that began at one moment the
    earlier held its devices for no time at all."""
    starts = sorted(cell.session_starts, key=lambda r: (r.elapsed_seconds, r.session))
    return [(r.elapsed_seconds, r.devices) for r in starts]


def charged_clock(cell: Cell) -> Callable[[float], float]:
    """`charged_seconds` of one cell at many moments: its sessions are looked up once."""
    starts = session_devices(cell)
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0.0, cell.devices))
    ends = [*(start for start, _ in starts[1:]), math.inf]

    def charged(elapsed_seconds: float) -> float:
        return sum(
            charged_device_seconds(max(0.0, min(end, elapsed_seconds) - start), devices)
            for (start, devices), end in zip(starts, ends, strict=True)
        )

    return charged
