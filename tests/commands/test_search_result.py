"""What `tuneoff.search` returns of a finished search, and the names of the package itself."""

from __future__ import annotations

import pytest

import tuneoff
from tests.end_to_end.command import ROOT
from tuneoff.commands.search import result
from tuneoff.report.frames import load_frames

STUDY = ROOT / "results" / "mrpc-minilm"


def test_its_scores_and_its_cost_are_those_of_the_report():
    cells = load_frames(STUDY).cells
    for row in cells.itertuples():
        found = result(STUDY / f"{row.task}-{row.model}" / str(row.cell).split("/")[-2] / f"repeat-{row.repeat}")
        assert (found.validation, found.trials) == (row.validation, row.trials)
        assert (found.charged_seconds, found.dollars) == (row.charged_seconds, row.dollars)
        assert found.dollars == pytest.approx(row.per_device_hour_usd * found.charged_seconds / 3600)


def test_the_package_has_the_names_that_it_says_and_no_others():
    assert all(getattr(tuneoff, name) is not None for name in tuneoff.__all__)
    with pytest.raises(AttributeError, match="no attribute 'serach'"):
        tuneoff.serach  # noqa: B018
