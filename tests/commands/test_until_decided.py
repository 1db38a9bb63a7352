"""until=decided: rounds of repeats, a look after each, and no state but the records."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
import synthetic as syn

from tuneoff.commands.arguments import read_command_line
from tuneoff.commands.until_decided import Round, check_margin, check_sweep, rule_of, run_until_decided
from tuneoff.config.parts import DecideSettings
from tuneoff.errors import ConfigError

SCORES = {"default": 0.60, "random": 0.75, "grid": 0.751}


def config(folder: Path, looks: list[int], dollars: float | None = None) -> Any:
    decide = DecideSettings(margin=1.0, looks=looks, dollars=dollars)
    named = {
        key: SimpleNamespace(name=name) for key, name in (("task", "rte"), ("model", "bert-base"), ("protocol", "heldout"))
    }
    return cast(Any, SimpleNamespace(results=folder, study="demo", decide=decide, **named))


class Runner:
    """Writes a made-up search for each cell that is not there yet."""

    def __init__(self, folder: Path, noise: float = 0.002) -> None:
        self.folder, self.noise, self.rounds, self.written = folder, noise, [], 0

    def __call__(self, part: Round) -> int:
        self.rounds.append((part.algorithms, part.first, part.last))
        for repeat in range(part.first, part.last + 1):
            for i, name in enumerate(part.algorithms):
                luck = self.noise * (((repeat * 7 + i * 3) % 5) - 2)
                made = syn.stepwise(name, repeat, [(60, SCORES[name] + luck)], 3600)
                if not (self.folder / Path(*made.path.parts[1:])).exists():
                    syn.write(self.folder, made)
                    self.written += 1
        return 0


def test_rounds_go_on_without_who_is_out_until_all_is_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Runner(tmp_path)
    assert run_until_decided(config(tmp_path, [6, 10, 16]), ("default", "random", "grid"), run) == 0
    assert run.rounds == [(("default", "random", "grid"), 0, 5), (("default", "random", "grid"), 6, 9)]
    said = capsys.readouterr().out
    assert "Look after 6 repeats (of 6, 10, 16; each at level 0.0167):" in said
    assert "out, shown to be worse by more than 1 point: default" in said
    assert "decided: every pair of random and grid is better, equivalent or one search" in said
    again = Runner(tmp_path)
    run_until_decided(config(tmp_path, [6, 10, 16]), ("default", "random", "grid"), again)
    assert (again.rounds, again.written) == (run.rounds, 0), "the same command comes to the same conclusions"


def test_the_last_look_ends_it_undecided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Runner(tmp_path, noise=0.02)
    assert run_until_decided(config(tmp_path, [6, 8]), ("random", "grid"), run) == 0
    assert run.rounds[-1] == (("random", "grid"), 6, 7)
    assert "the last planned look: the report says what is open" in capsys.readouterr().out


def test_no_round_is_begun_that_would_cost_too_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search is an hour of one V100, $3.06: 12 of them are $36.72, four more $12.24."""
    run = Runner(tmp_path, noise=0.02)
    run_until_decided(config(tmp_path, [6, 8], dollars=48.0), ("random", "grid"), run)
    assert len(run.rounds) == 1
    assert "Stopped before 8 repeats: $36.72 is spent and about $12.24 more would be" in capsys.readouterr().out


def test_a_round_with_a_failed_cell_is_the_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_until_decided(config(tmp_path, [6, 8]), ("random", "grid"), lambda _: 2) == 2
    assert "Not judged after 6 repeats, as cells failed" in capsys.readouterr().out


def test_a_round_is_the_same_command_with_its_own_cells() -> None:
    given = read_command_line(["-m", "algorithm=default,random,pbt", "until=decided", "budget=epochs:6", "repeat=range(0,3)"])
    part = given.with_settings(*Round(algorithms=("random", "pbt"), first=6, last=9).settings())
    assert part.cells == 8
    assert part.swept == {"repeat": ("6", "7", "8", "9"), "algorithm": ("random", "pbt")}
    assert "until=decided" in part.for_hydra


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "algorithm=random,pbt", "model=micro,minilm"), "but model lists several values"),
        (("-m", "algorithm=random"), "needs two algorithms or more"),
    ],
)
def test_a_sweep_of_something_else_is_refused(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_sweep(read_command_line([*arguments, "until=decided"]))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"margin": 0}, "decide.margin is 0"),
        ({"margin": "1"}, "decide.margin is '1'"),
        ({"looks": []}, "must be a list of repeats"),
        ({"looks": [6, 6]}, "each must be more than the one before"),
        ({"looks": [1, 6]}, "decide.looks is 1"),
        ({"dollars": -1}, "decide.dollars is -1"),
    ],
)
def test_settings_outside_their_rule_are_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        DecideSettings(**{"margin": 1.0, "looks": [6, 10], "dollars": None, **values})


def decide(margin: float | None) -> DecideSettings:
    return DecideSettings(margin=margin, looks=[6, 10], dollars=None)


def test_the_margin_is_in_points_of_a_share_and_else_in_the_metrics_unit() -> None:
    assert [rule_of(decide(margin), "accuracy").margin for margin in (None, 2.0)] == [0.01, 0.02]
    assert [rule_of(decide(margin), "pearson").margin for margin in (None, 0.05)] == [0.01, 0.05]
    assert rule_of(decide(3.0), "minus_rmse").margin == 3.0


def asked(metrics: Any = None, engine: str = "finetune", margin: float | None = None, **named: Any) -> Any:
    settings = SimpleNamespace(name=engine, settings=SimpleNamespace(**{"metric": None, "direction": None, **named}))
    return cast(Any, SimpleNamespace(task=SimpleNamespace(metrics=metrics), engine=settings, decide=decide(margin)))


def test_a_metric_whose_scale_only_its_user_knows_is_refused_without_a_margin_before_anything_runs() -> None:
    minimised = {"engine": "hf_trainer", "metric": "eval_loss", "direction": "minimise"}
    with pytest.raises(ConfigError, match=r"decide.margin is null, but what difference of minus_loss matters is not known"):
        check_margin(asked(**minimised))
    check_margin(asked(**minimised, margin=0.02))
    check_margin(asked(("matthews", "accuracy")))
    check_margin(asked())
    check_margin(asked(engine="hf_trainer", metric="eval_accuracy", direction="maximise"))
