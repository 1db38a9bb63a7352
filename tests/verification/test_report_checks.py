"""How a report is made again: as it says that it was made; and what counts as the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verification.small_study import sealed_study
from tuneoff.report.cells import own_price
from tuneoff.report.page.made import FILE, read_made
from tuneoff.report.page.study_report import FOLDER, write_report
from tuneoff.verification.report_checks import Options, check_report
from tuneoff.verification.texts import compare_texts


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return sealed_study(tmp_path, draw=False)


def test_a_report_at_an_own_price_is_made_again_at_that_price(study: Path) -> None:
    write_report(study, own_price(1.25), draw=False)
    assert read_made(study / FOLDER).usd_per_device_hour == 1.25  # type: ignore[union-attr]
    assert check_report(study) == ([], ["figures were not drawn again"])
    found, _ = check_report(study, Options(usd_per_device_hour=1.5))
    assert any(one.file.endswith("results.csv") for one in found)


def test_figures_of_an_earlier_report_are_left_alone(study: Path) -> None:
    (study / FOLDER / "mrpc-minilm" / "incumbent.svg").write_text("<svg>drawn before</svg>")
    write_report(study, draw=False)
    assert check_report(study)[0] == []


def test_a_report_without_its_file_is_derived_again_all_the_same(study: Path) -> None:
    (study / FOLDER / FILE).unlink()
    found, remarks = check_report(study)
    assert found == []
    assert any("the report has no made.json" in remark for remark in remarks)
    page = study / FOLDER / "report.md"
    page.write_text(page.read_text().replace("# mrpc-minilm", "# mrpc-minilm 2", 1))
    assert [one.line() for one in check_report(study)[0]] == [
        "report/report.md: line 1, character 14: found '# mrpc-minilm 2', expected '# mrpc-minilm'"
    ]


def test_a_report_of_other_code_says_so(study: Path) -> None:
    file = study / FOLDER / FILE
    raw = json.loads(file.read_text())
    file.write_text(file.read_text().replace(raw["made"]["code"], "0" * 12))
    assert [one.line() for one in check_report(study)[0]] == [
        "report/made.json: the file: found other contents than were written, expected as it was written"
    ]


def test_a_study_without_a_report_is_said_to_have_none(study: Path) -> None:
    (study / FOLDER / "report.html").unlink()
    assert check_report(study) == ([], ["there is no report: tuneoff report mrpc-minilm makes one"])


@pytest.mark.parametrize(
    ("found", "same_exactly", "same_nearly"),
    [
        ("mean 0.123456789012", True, True),
        ("mean 0.123456789013", False, True),
        ("mean 0.123456799012", False, False),
        ("median 0.123456789012", False, False),
    ],
)
def test_numbers_of_other_libraries_agree_to_nine_digits(found: str, same_exactly: bool, same_nearly: bool) -> None:
    expected = "mean 0.123456789012"
    assert (list(compare_texts("f", found, expected)) == []) == same_exactly
    assert (list(compare_texts("f", found, expected, exact=False)) == []) == same_nearly


def test_a_difference_in_a_long_line_is_shown_where_it_is() -> None:
    line = compare_texts("f", "a" * 100 + "1" + "b" * 100, "a" * 100 + "2" + "b" * 100)
    assert [one.line() for one in line] == [
        f"f: line 1, character 101: found '...{'a' * 40}1{'b' * 39}...', expected '...{'a' * 40}2{'b' * 39}...'"
    ]
    assert [one.line() for one in compare_texts("f", "a", "a\nb")] == ["f: line 2, character 1: found no line, expected 'b'"]
