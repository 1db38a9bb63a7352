"""A dry run of a sweep ends with the total."""

from __future__ import annotations

from tuneoff.commands.run import total
from tuneoff.study.estimate import Estimate


def test_the_total_adds_minutes_dollars_and_hours() -> None:
    one = Estimate(trials=2, epochs=4, wall_seconds=1800, device_seconds=3600, dollars=0.05, disk_bytes=1e6)
    assert total([one, one, one]) == (
        "All 3 searches, one after the other: 180.00 device-minutes charged, 0.1500 dollars, 1.50 hours"
    )
