"""benchmarks.speed: the pure parts, and reading back an arm of our own. The other arms are run by hand (docs/speed.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed import paired, population, reading
from benchmarks.speed.__main__ import command as told
from benchmarks.speed.__main__ import default_name, must_be_new, parse
from benchmarks.speed.arms import Outcome, figures, overrides, read_ours
from benchmarks.speed.comparison import order
from benchmarks.speed.orchestration import counts
from benchmarks.speed.setting import Setting, SpeedError, Work, forward_flops, read_rows, write_rows
from benchmarks.speed.table import markdown, ratio, summarise
from benchmarks.speed.watch import Watched, folder_size
from tests.end_to_end.command import command
from tuneoff.records.store import load_cell

FIGURES = {
    "held_device_seconds_per_trial": 1.0,
    "wall_seconds": 4.0,
    "first_step_seconds": 2.0,
    "first_evaluation_seconds": 3.0,
    "not_training_share": 0.1,
    "steps_per_second": 1.0,
    "real_tokens_per_second": 10.0,
    "peak_share_training": 0.5,
    "peak_share_trial": 0.4,
    "folder_bytes": 1,
    "written_bytes": 2,
    "peak_rss_bytes": 3,
    "peak_private_bytes": 4,
}


def one(arm: str, repeat: int, seconds: float, accuracy: float = 0.7) -> dict:
    return {"arm": arm, "repeat": repeat, "device_seconds_per_trial": seconds, "mean_accuracy": accuracy, **FIGURES}


RUNS = [
    one("stock", 0, 30.0),
    one("ours", 0, 10.0),
    one("ours", 1, 20.0),
    one("stock", 1, 40.0, 0.75),
    one("ours", 2, 10.0),
    one("stock", 2, 50.0),
]


def make_setting(folder: Path, **changes) -> Setting:
    return Setting(
        **{
            "folder": str(folder),
            "model": "micro",
            "layers": 1,
            "epochs": 1,
            "batch_size": 16,
            "learning_rates": (1e-3, 3e-4),
            **changes,
        }
    )


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
    outcome = Outcome(
        seconds=20.0, train_seconds=16.0, steps=32, first_step=105.0, first_evaluation=107.0, accuracies=(0.5, 0.7)
    )
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


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (lambda p: write_rows(p, None, 10**6), "--rows"),
        (lambda p: make_setting(p, learning_rates=(1e-3, 1e-3)), "--learning-rates"),
        (lambda p: make_setting(p, model="nano"), "--model"),
        (lambda p: make_setting(p, epochs=0), "--epochs"),
        (lambda _: parse(["--repeats", "0"]), "--repeats"),
        (lambda _: counts("10,x"), "--orchestration"),
        (lambda _: parse(["--orchestration", "10", "--slots", "4", "--nodes", "3"]), "--nodes"),
        (lambda _: parse(["--arms", "documented"]), "--arms"),
        (lambda _: parse(["--pbt", "--arms", "stock"]), "--arms"),
        (lambda _: parse(["--equivalence", "1"]), "--equivalence"),
        (lambda _: parse(["--reading", "0"]), "--reading"),
    ],
)
def test_a_bad_option_is_named(arguments, part, tmp_path):
    with pytest.raises(SpeedError, match=part):
        arguments(tmp_path)


def test_a_result_is_never_overwritten(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    must_be_new(tmp_path, "b")
    with pytest.raises(SpeedError, match="never overwritten"):
        must_be_new(tmp_path, "a")


def test_what_is_measured_decides_arms_and_the_name_of_the_result():
    assert parse(["--pbt"]).arms == ["documented", "tuned", "ours"]
    assert parse([]).arms == ["stock", "tuned", "ours"]
    names = [default_name(parse(a)) for a in ([], ["--pbt"], ["--equivalence", "2"], ["--agreement", "2"], ["--reading", "1"])]
    assert names == ["entail-micro", "pbt-entail-micro", "bucketing-entail-micro", "agreement-entail-micro", "reading"]


def test_a_recorded_command_names_no_folder_of_this_machine():
    given = ["--files", "/home/me/mrpc", "--rows", "9", "--out=/tmp/x"]
    assert told(given) == "python -m benchmarks.speed --files DIR --rows 9 --out=DIR"


def test_a_population_over_trainer_is_read_from_its_ledger(tmp_path):
    lines = [
        {"trial": t, "epoch": e, "accuracy": a, "time": 100.0 + e, "seconds": 3.0}
        for e, t, a in ((1, "x", 0.5), (1, "y", 0.7), (2, "x", 0.6), (2, "y", 0.65))
    ]
    (tmp_path / "ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = population.trainers(tmp_path)
    assert (found["epochs"], found["exploits"], found["device_seconds"], found["first_evaluation"]) == (4, 0, 12.0, 101.0)
    assert found["last_epoch"] == {"x": 2, "y": 2}
    watched = Watched(began=90.0, wall_seconds=9.0, peak_rss_bytes=1, peak_private_bytes=2, folder_bytes=3, written_bytes=4)
    figures_ = population.figures(found, watched, make_setting(tmp_path, slots=2))
    assert figures_["best_accuracy"] == 0.7
    assert figures_["mean_accuracy"] == pytest.approx(0.625)
    assert (figures_["held_device_seconds"], figures_["first_evaluation_seconds"]) == (18.0, 11.0)


def test_our_population_mutates_what_the_documented_one_does(tmp_path):
    given = population.population_overrides(make_setting(tmp_path, members=4), tmp_path, 0)
    assert given[0] == "algorithm=pbt"
    assert "algorithm.trials=4" in given
    assert "+space.learning_rate={type:float,low:0.0003,high:0.001}" in given
    assert "+space.weight_decay={type:float,low:0.0,high:0.3}" in given
    assert {"~space.batch_size", "hparams.batch_size=16"} <= set(given)
    assert not any(o.startswith(("hparams.weight_decay", "training.snapshot")) for o in given)


@pytest.mark.parametrize(("shift", "equivalent"), [(0.0, True), (0.02, False)])
def test_equivalence_wants_the_whole_interval_within_a_point(shift, equivalent):
    lines = [
        {
            "seed": seed,
            "way": way,
            "accuracy": 0.8 + (way == "a") * (shift + 0.001 * (-1) ** seed),
            "rows": 9,
            "epoch_seconds": 2.0 if way == "a" else 3.0,
        }
        for seed in range(20)
        for way in "ab"
    ]
    found = paired.summarise(lines, "ab")
    assert found["difference"] == pytest.approx(shift)
    assert found["low"] < shift < found["high"]
    assert found["equivalent"] is equivalent
    assert found["time_ratio"]["median"] == pytest.approx(1.5)


def test_a_made_up_cell_is_read_back_with_as_many_records_as_were_written(tmp_path):
    written = reading.write_cell(tmp_path, "pbt", 0, 52)
    cell = load_cell(tmp_path / reading.STUDY / "entail-micro" / "pbt" / "repeat-0")
    assert written == len(cell.records) == 52
    assert len(cell.trial_ends) == 10
    assert len(cell.evaluations) == 30


def test_on_the_same_batches_trainer_comes_to_our_scores(tmp_path):
    """The built-in model has no dropout, so that nothing but the order of batches is random."""
    from benchmarks.speed.paired_worker import Ours, trainer

    write_rows(tmp_path, None, 64)
    setting = make_setting(tmp_path, layers=None, epochs=2, learning_rates=(1e-3,))
    ours = Ours(setting, "fp32")
    assert trainer(setting, 3, order=ours.order).loss == pytest.approx(ours(3, bucket=False).loss, abs=1e-5)


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


@pytest.mark.ray
def test_trials_that_do_nothing_are_counted_on_virtual_nodes(tmp_path):
    done = command("speed", "--orchestration", "6", "--slots", "2", "--nodes", "2", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "orchestration-2-nodes.json").read_text())
    [point] = result["points"]
    assert (point["trials"], point["nodes"], point["slots"]) == (6, 2, 2)
    assert 0 < point["driver_mb"] < 4000
    assert (tmp_path / "orchestration-2-nodes.png").stat().st_size > 1000


def test_reading_options_starts_neither_torch_nor_ray():
    code = "import sys, benchmarks.speed.__main__; print(sorted({'torch', 'ray', 'transformers'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "[]"
