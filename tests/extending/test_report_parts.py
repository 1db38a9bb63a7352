"""A figure and a table from outside the repository: the code of docs/extending.md, executed."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.report import synthetic
from tuneoff import plugins
from tuneoff.commands.report import main
from tuneoff.report.cells import ReportError
from tuneoff.report.tables import discover_tables

HERE = Path(__file__).parent
GUIDE = HERE.parents[1] / "docs" / "extending.md"


@pytest.fixture
def own_parts(monkeypatch: pytest.MonkeyPatch, own_parts_only_here: None) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    for name in ("own_figure", "own_table"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("own_parts")
def test_they_are_in_the_report_beside_ours(tmp_path: Path) -> None:
    for name in ("grid", "random"):
        synthetic.write(tmp_path, synthetic.search(name, 0, quality=0.7))
    assert main(["demo", "--results", str(tmp_path), "--plugins", "own_figure", "own_table"]) == 0
    report = tmp_path / "demo" / "report"
    folder = report / "rte-bert-base"
    assert (folder / "score_by_learning_rate.svg").is_file()
    rates = pd.read_csv(folder / "trials_a_dollar.csv").set_index("algorithm")["trials_a_dollar"]
    dollars = 8 * 300 / 3600 * 3.06
    assert rates.to_dict() == pytest.approx({"grid": 8 / dollars, "random": 8 / dollars})
    page = (report / "report.html").read_text()
    assert "trials a dollar" in page
    assert "Validation score by learning rate, a dot a trial." in page


def test_without_the_plugin_they_are_not_there() -> None:
    assert "trials_a_dollar" not in discover_tables()


@pytest.mark.usefixtures("own_parts")
def test_a_table_of_no_section_is_refused_by_name() -> None:
    @plugins.register("table", "lost")
    class Lost:
        SECTION, RANK = "attic", 0

    with pytest.raises(ReportError, match="'lost' has SECTION='attic', but it must be one of results, decision"):
        discover_tables()


@pytest.mark.parametrize("name", ["own_figure.py", "own_table.py"])
def test_the_guide_shows_the_code_that_is_executed(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") in GUIDE.read_text(encoding="utf-8")
