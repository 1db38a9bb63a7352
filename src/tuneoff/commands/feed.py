"""The process of a tracker's feed (trackers/follow.py). Started by searches, not by people."""

from __future__ import annotations

import sys
from pathlib import Path

from tuneoff.trackers.contracts import Report
from tuneoff.trackers.follow import follow


def report(study: Path) -> Report | None:
    """Without figures. Imported when the searches are over: pandas takes a second."""
    from tuneoff.commands.track import make_report

    return make_report(study)


if __name__ == "__main__":
    sys.exit(follow(sys.stdin, sys.stdout, report))
