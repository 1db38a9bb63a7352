"""A report of a correlation, and of an error that was minimised: numbers in their own unit, and which way is better."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import synthetic as syn

from tuneoff.commands.report import main
from tuneoff.records.schema import Cell
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.pairwise import Rule
from tuneoff.report.verdicts.recommendation import rule_of

LEVELS = {"default": 0.50, "random": 0.60, "pbt": 0.63}


def cells(metric: str, value: Callable[[float], float], repeats: int = 8) -> list[Cell]:
    rng = np.random.default_rng(0)
    found = [syn.stepwise(name, k, [(60, LEVELS[name] + 0.02 * rng.normal())], 3600) for k in range(repeats) for name in LEVELS]
    return [syn.measured_by(one, metric, value) for one in found]


def report(root: Path, metric: str, value: Callable[[float], float], *options: str) -> str:
    for made in cells(metric, value):
        syn.write(root, made)
    assert main(["demo", "--results", str(root), "--no-figures", *options]) == 0
    return (root / "demo" / "report" / "report.md").read_text()


def test_an_error_that_was_minimised_is_reported_in_the_unit_of_its_targets(tmp_path: Path) -> None:
    text = report(tmp_path, "minus_rmse", lambda score: 1000 * score - 1000)
    assert "pbt is better than random by" in text, "the smaller error is better"
    assert "-54" in text
    assert "points" not in text
    assert "1 point" not in text
    assert "% |" not in text.replace("start % |", "")
    assert (
        "What difference of minus_rmse matters only you can know; 0.01 is assumed here, for equivalence and for the repeats "
        "that are said to be missing: give yours with --margin, in the unit of minus_rmse."
    ) in text


def test_a_margin_of_an_error_is_in_its_own_unit(tmp_path: Path) -> None:
    text = report(tmp_path, "minus_rmse", lambda score: 1000 * score - 1000, "--margin", "300")
    assert "only you can know" not in text
    assert "that is within the margin of 300" in text


def test_a_correlation_is_no_share(tmp_path: Path) -> None:
    text = report(tmp_path, "pearson", lambda score: score)
    assert "±" in text
    assert "points" not in text
    assert "only you can know" not in text
    assert "by more than 0.01" in text


@pytest.mark.parametrize(
    ("metric", "given", "rule"),
    [
        ("accuracy", None, Rule(margin=0.01)),
        ("accuracy", 0.5, Rule(margin=0.005)),
        ("matthews", None, Rule(margin=0.01)),
        ("matthews", 0.5, Rule(margin=0.5)),
        ("minus_rmse", None, Rule(margin=0.01, assumed=True)),
        ("minus_rmse", 20.0, Rule(margin=20.0)),
    ],
)
def test_the_margin_is_in_points_of_a_share_and_else_in_the_metrics_unit(metric: str, given: float | None, rule: Rule) -> None:
    assert rule_of(build_frames(cells(metric, lambda score: score, repeats=1)), metric, given) == rule
