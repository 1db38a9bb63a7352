"""A search never goes on from records that were changed since they were sealed: that would seal the change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.report.synthetic import cell as synthetic_cell
from tests.report.synthetic import end, evaluation, header, start
from tests.test_config import config
from tuneoff.records.store import LOG_FILE, LogWriter, RecordError, write_header
from tuneoff.study.phase import Listener
from tuneoff.study.run import run


class Reached(Exception):
    """The search would begin."""


def ready(*_: object) -> None:
    raise Reached


SESSION = SimpleNamespace(check=lambda _: None, ready=ready)


def test_a_changed_log_is_refused_before_anything_is_made_ready(tmp_path: Path) -> None:
    wanted = replace(config("algorithm=random"), results=tmp_path)
    made = synthetic_cell([start(), evaluation("t000", 1, 0.7, 60.0), end()])
    with LogWriter(wanted.cell) as log:
        for record in made.records:
            log.append(record)
    write_header(wanted.cell, header(status="running"))
    with pytest.raises(Reached):
        run(SESSION, wanted, Listener())  # type: ignore[arg-type]
    file = wanted.cell / LOG_FILE
    file.write_text(file.read_text().replace("60.0", "61.0", 1))
    with pytest.raises(RecordError, match=r"trials\.jsonl was changed after it was written.*delete .* and run it again"):
        run(SESSION, wanted, Listener())  # type: ignore[arg-type]
