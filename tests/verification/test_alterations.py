"""A changed digit anywhere in a sealed study, its records or its report, is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.verification.small_study import sealed_study
from tuneoff.commands.verify import main
from tuneoff.report.page.study_report import FOLDER, write_report
from tuneoff.verification.discrepancy import Discrepancy
from tuneoff.verification.report_checks import check_unchanged, compare_reports
from tuneoff.verification.study import verify, verify_records

ALTERATIONS = 50
TEXT = (".json", ".jsonl", ".yaml", ".md", ".csv", ".tex", ".html", ".svg")


@dataclass(frozen=True)
class Study:
    """path: of the study. again: its report, made anew once, since the records are the same for every altered report."""

    path: Path
    again: Path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    made = sealed_study(tmp_path_factory.mktemp("results"), draw=True)
    again = tmp_path_factory.mktemp("again") / FOLDER
    write_report(made, folder=again)
    return Study(made, again)


def found_in(study: Study) -> list[Discrepancy]:
    """As `verify` finds them, but that the report is not made again each time."""
    in_report = compare_reports(study.path / FOLDER, study.again)
    return [*verify_records(study.path).discrepancies, *check_unchanged(study.path)[0], *in_report]


def text_files(study: Path) -> list[Path]:
    return sorted(path for path in study.rglob("*") if path.suffix in TEXT)


class Altered:
    """One digit of a file, another digit while the context lasts. A digit of text counts as one of a number."""

    def __init__(self, file: Path, rng: np.random.Generator) -> None:
        self.file, self.whole = file, file.read_bytes()
        digits = [at for at, byte in enumerate(self.whole) if chr(byte).isdigit()]
        self.at = int(rng.choice(digits))
        self.new = str(rng.choice([d for d in "0123456789" if d != chr(self.whole[self.at])]))

    def __enter__(self) -> None:
        self.file.write_bytes(self.whole[: self.at] + self.new.encode() + self.whole[self.at + 1 :])

    def __exit__(self, *_: object) -> None:
        self.file.write_bytes(self.whole)

    def __str__(self) -> str:
        return f"{self.file.name}, byte {self.at} to {self.new}"


def test_an_unaltered_study_is_clean(study: Study) -> None:
    found = verify(study.path)
    assert found.discrepancies == []
    assert (found.cells, found.sealed) == (3, 3)
    assert found_in(study) == []


@pytest.mark.parametrize("where", ["records", "report"])
def test_each_of_fifty_random_alterations_of_a_digit_is_found(study: Study, where: str) -> None:
    rng = np.random.default_rng(2020)
    files = [f for f in text_files(study.path) if (FOLDER in f.relative_to(study.path).parts) == (where == "report")]
    hit: Counter[str] = Counter()
    for _ in range(ALTERATIONS):
        altered = Altered(files[int(rng.integers(len(files)))], rng)
        with altered:
            found = found_in(study)
            assert any(altered.file.name in one.file for one in found), str(altered)
        hit[altered.file.suffix] += 1
    assert sum(hit.values()) == ALTERATIONS
    assert len(hit) == (3 if where == "records" else 6), hit
    assert found_in(study) == []


def test_a_report_s_alterations_are_found_from_the_records_alone(study: Study) -> None:
    """Without the hashes that the report was written with: by deriving it again."""
    rng = np.random.default_rng(13)
    files = [f for f in text_files(study.path / FOLDER) if f.suffix != ".json"]
    for _ in range(ALTERATIONS):
        altered = Altered(files[int(rng.integers(len(files)))], rng)
        with altered:
            places = [one.file for one in compare_reports(study.path / FOLDER, study.again)]
            assert any(altered.file.name in place for place in places), str(altered)


def test_a_changed_picture_and_a_file_too_few_or_too_many_are_found(study: Study) -> None:
    picture = next((study.path / FOLDER).rglob("*.png"))
    whole = picture.read_bytes()
    for contents in (whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], None):
        picture.write_bytes(contents) if contents else picture.unlink()
        assert {one.file for one in check_unchanged(study.path)[0]} == {picture.relative_to(study.path).as_posix()}
        assert any(picture.name in one.file for one in compare_reports(study.path / FOLDER, study.again))
        picture.write_bytes(whole)
    extra = study.path / FOLDER / "best.csv"
    extra.write_text("a,b\n")
    assert {one.file for one in found_in(study)} == {"report/best.csv"}
    extra.unlink()


def test_a_missing_cell_is_found_by_what_the_report_was_made_from(study: Study) -> None:
    folder = study.path / "mrpc-minilm" / "grid"
    with TemporaryDirectory() as aside:
        folder.rename(Path(aside) / "grid")
        lines = [one.line() for one in check_unchanged(study.path)[0]]
        assert lines == ["mrpc-minilm/grid/repeat-0: the cell: found none, expected one, from which the report was made"]
        (Path(aside) / "grid").rename(folder)


def test_the_command_says_each_discrepancy_on_a_line_and_exits_with_2(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(study.path), "--records"]) == 0
    assert "no discrepancy in 3 cells (3 sealed)" in capsys.readouterr().out
    log = study.path / "mrpc-minilm" / "pbt" / "repeat-0" / "trials.jsonl"
    whole = log.read_text()
    log.write_text(whole.replace('"examples_seen":4080', '"examples_seen":4090', 1))
    assert main([str(study.path), "--records"]) == 2
    lines = capsys.readouterr().out.splitlines()
    file = "mrpc-minilm/pbt/repeat-0/trials.jsonl"
    assert any(line.startswith(f"{file}: the first ") and "as sealed" in line for line in lines)
    assert any(line.startswith(f"{file}: line 14, evaluation 2 of t000, examples_seen: found 4090, expected") for line in lines)
    log.write_text(whole)
    assert main(["nowhere"]) == 2
    assert "there is no study 'nowhere'" in capsys.readouterr().err
