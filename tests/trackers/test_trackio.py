"""What Trackio's own API reads back from its store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tuneoff.trackers.contracts import Evaluated
from tuneoff.trackers.events import events

pytestmark = pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed (it needs pillow < 13)")

READ = """
import json, sys, trackio
from trackio.sqlite_storage import SQLiteStorage
project = sys.argv[1]
def plain(row):
    return {k: v for k, v in row.items() if isinstance(v, (int, float, str))}
runs = trackio.Api().runs(project)
rows = {run.name: [plain(row) for row in SQLiteStorage.get_logs(project, run.name)] for run in runs}
print(json.dumps(rows))
"""


def test_a_study_is_read_back_from_the_store(study, cells):
    folder = study.parent / "tracked" / "trackio"  # read when trackio is imported: a process for each
    environment = {**os.environ, "TRACKIO_DIR": str(folder)}
    track = [sys.executable, "-m", "tuneoff.commands", "track", str(study), "--to", "trackio", "--no-figures"]
    sent = subprocess.run(track, env=environment, text=True, capture_output=True, check=True, timeout=200)
    assert "the report sent" in sent.stdout
    read = [sys.executable, "-c", READ, study.name]
    out = subprocess.run(read, env=environment, text=True, capture_output=True, check=True, timeout=60).stdout
    runs = json.loads(out.splitlines()[-1])
    cell = cells["pbt"]
    for end in cell.trial_ends:
        rows = runs[f"entail-micro/pbt/repeat-0/{end.trial_id}"]
        points = [e for e in events(cell) if isinstance(e, Evaluated) and e.trial.name == end.trial_id]
        if not points:  # the budget was spent before its first evaluation
            continue
        assert [(row["step"], row["validation/accuracy"]) for row in rows if "validation/accuracy" in row] == [
            (e.examples, e.values["validation/accuracy"]) for e in points
        ]
        assert rows[-1]["status"] == end.status
    assert "report" in runs
