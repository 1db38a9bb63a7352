"""benchmarks.speed: the pure parts, and reading back an arm of our own. The other arms are run by hand (docs/speed.md)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.__main__ import must_be_new, parse
from benchmarks.speed.comparison import order
from benchmarks.speed.arms import Outcome, figures, overrides, read_ours
from benchmarks.speed.orchestration import counts
from benchmarks.speed.setting import Setting, SpeedError, Work, forward_flops, read_rows, write_rows
from benchmarks.speed.table import markdown, ratio, summarise
from benchmarks.speed.watch import Watched, folder_size
from tests.end_to_end.command import command

FIGURES = {"held_device_seconds_per_trial": 1.0, "wall_seconds": 4.0, "first_step_seconds": 2.0,
           "first_evaluation_seconds": 3.0,
           "not_training_share": 0.1, "steps_per_second": 1.0, "real_tokens_per_second": 10.0, "peak_share_training": 0.5,
           "peak_share_trial": 0.4, "folder_bytes": 1, "written_bytes": 2, "peak_rss_bytes": 3, "peak_private_bytes": 4}


def one(arm: str, repeat: int, seconds: float, accuracy: float = 0.7) -> dict:
    return {"arm": arm, "repeat": repeat, "device_seconds_per_trial": seconds, "mean_accuracy": accuracy, **FIGURES}


RUNS = [one("stock", 0, 30.0), one("ours", 0, 10.0), one("ours", 1, 20.0), one("stock", 1, 40.0, 0.75), one("ours", 2, 10.0),
        one("stock", 2, 50.0)]


def make_setting(folder: Path, **changes) -> Setting:
    return Setting(**{"folder": str(folder), "model": "micro", "layers": 1, "epochs": 1, "batch_size": 16,
                      "learning_rates": (1e-3, 3e-4), **changes})


def test_ratios_are_taken_repeat_by_repeat():
    assert ratio(RUNS, "stock", "ours", "device_seconds_per_trial") == {"median": 3.0, "low": 2.0, "high": 5.0}


def test_a_repeat_that_lacks_an_arm_has_no_ratio():
    assert ratio(RUNS[:3], "stock", "ours", "device_seconds_per_trial")["median"] == 3.0


def test_medians_are_over_repeats_and_accuracies_are_compared_with_the_tolerance():
    summary = summarise(RUNS, tolerance=0.02)
    assert summary["medians"]["stock"]["device_seconds_per_trial"] == 40.0
    assert summary["accuracy"]["largest_difference"] == pytest.approx(0.05 / 3)
    assert summary["accuracy"]["agree"]
    assert not summarise(RUNS, tolerance=0.01)["accuracy"]["agree"]


def test_the_table_has_a_column_for_each_arm_and_says_whether_accuracies_agree():
    text = markdown(RUNS, summarise(RUNS, tolerance=0.01))
    assert "| device-seconds a trial | 40.0 (30.0-50.0) | 10.0 (10.0-20.0) |" in text
    assert "- device-seconds a trial: 3.00 (2.00-5.00)" in text
    assert "do NOT agree" in text


def test_without_our_arm_there_are_no_ratios():
    assert summarise([one("stock", 0, 1.0)], tolerance=0.1)["ratios"] == {}


def test_the_order_of_arms_is_turned_round_in_every_other_repeat():
    assert [order("ABC", repeat) for repeat in range(2)] == [["A", "B", "C"], ["C", "B", "A"]]


def test_figures_follow_from_what_an_arm_recorded():
    outcome = Outcome(seconds=20.0, train_seconds=16.0, steps=32, first_step=105.0, first_evaluation=107.0,
                      accuracies=(0.5, 0.7))
    watched = Watched(began=100.0, wall_seconds=12.0, peak_rss_bytes=1, peak_private_bytes=2, folder_bytes=3, written_bytes=4)
    work = Work(train_rows=1, dev_rows=1, train_tokens=800, train_flops=4e9, evaluate_flops=1e9)
    found = figures(outcome, watched, make_setting(Path("x"), slots=2), work, peak=1e9)
    assert found["device_seconds_per_trial"] == 10.0
    assert found["held_device_seconds_per_trial"] == 12.0
    assert found["first_step_seconds"] == 5.0
    assert found["steps_per_second"] == 2.0
    assert found["real_tokens_per_second"] == 100.0
    assert found["peak_share_training"] == pytest.approx(0.5)
    assert found["peak_share_trial"] == pytest.approx(0.5)
    assert found["not_training_share"] == pytest.approx(0.2)
    assert found["mean_accuracy"] == pytest.approx(0.6)


def test_flops_count_projections_feed_forward_and_attention_of_real_tokens():
    assert forward_flops([3, 5], layers=2, width=4, inner=8) == 2 * (2 * 8 * (4 * 16 + 2 * 32) + 4 * 4 * (9 + 25))


def test_the_first_rows_are_what_every_arm_reads(tmp_path):
    write_rows(tmp_path, None, 20)
    assert len(read_rows(tmp_path / "train.jsonl")) == 20
    assert len(read_rows(tmp_path / "dev.jsonl")) == 600
    assert folder_size(tmp_path) > 0


@pytest.mark.parametrize(("arguments", "part"), [
    (lambda p: write_rows(p, None, 10**6), "--rows"),
    (lambda p: make_setting(p, learning_rates=(1e-3, 1e-3)), "--learning-rates"),
    (lambda p: make_setting(p, model="nano"), "--model"), (lambda p: make_setting(p, epochs=0), "--epochs"),
    (lambda _: parse(["--repeats", "0"]), "--repeats"), (lambda _: counts("10,x"), "--orchestration")])
def test_a_bad_option_is_named(arguments, part, tmp_path):
    with pytest.raises(SpeedError, match=part):
        arguments(tmp_path)


def test_a_result_is_never_overwritten(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    must_be_new(tmp_path, "b")
    with pytest.raises(SpeedError, match="never overwritten"):
        must_be_new(tmp_path, "a")


@pytest.mark.ray
def test_our_arm_is_read_back_from_its_records(tmp_path):
    rows, folder = tmp_path / "rows", tmp_path / "arm"
    write_rows(rows, None, 48)
    setting = make_setting(rows)
    done = command("run", *overrides(setting, folder, 0), "training.precision=fp32")
    assert done.returncode == 0, done.stderr
    outcome = read_ours(folder, setting)
    assert outcome.steps == 2 * 3
    assert len(outcome.accuracies) == 2
    assert 0 < outcome.train_seconds < outcome.seconds
    assert outcome.first_step < outcome.first_evaluation


def test_reading_options_starts_neither_torch_nor_ray():
    code = "import sys, benchmarks.speed.__main__; print(sorted({'torch', 'ray', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[1])
    assert done.stdout.strip() == "[]"
