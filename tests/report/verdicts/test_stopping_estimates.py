"""Which trials count as stopped, and what is estimated of them, counted out by hand."""

from __future__ import annotations

import math

import pytest
import synthetic as syn

from tests.report.verdicts.test_stopping_audit import run
from tuneoff.records.schema import BUDGET_SPENT, STOPPED_EARLY, Cell, Record
from tuneoff.report.cells import cell_name
from tuneoff.report.frames import build_frames
from tuneoff.report.verdicts.stopping_audit import audits, stopped_trials


def asha(*records: Record, repeat: int = 0) -> Cell:
    return syn.cell([syn.start(), *records, syn.end()], algorithm="random_asha", repeat=repeat)


def random(*records: Record, repeat: int = 0) -> Cell:
    return syn.cell([syn.start(), *records, syn.end()], algorithm="random", repeat=repeat)


def test_stopped_before_the_end_is_what_has_epochs_left_and_a_score() -> None:
    """b was stopped after the last of its epochs, c without an evaluation, d by the budget."""
    made = asha(
        *run("a", [0.5, 0.6, 0.7]),
        *run("b", [0.4, 0.4, 0.4], "stopped", STOPPED_EARLY),
        *run("c", [], "stopped", STOPPED_EARLY),
        *run("d", [0.4], "stopped", BUDGET_SPENT),
        *run("e", [0.4, 0.45], "stopped", STOPPED_EARLY),
    )
    found = stopped_trials(build_frames([made]).finished())
    assert found[["trial_id", "epoch", "score", "planned"]].values.tolist() == [["e", 2.0, 0.45, 3.0]]


def test_where_no_length_was_planned_nobody_is_known_to_be_stopped() -> None:
    bare = syn.evaluation("a", 1, 0.5, 10.0, hparams={"learning_rate": 3e-5})
    ended = syn.trial_end("a", 10.0, "stopped", STOPPED_EARLY)
    for records in ([bare, ended], []):
        frames = build_frames([asha(*records)])
        assert stopped_trials(frames.finished()).empty
        assert {"epoch", "score", "planned", "algorithm"} <= set(stopped_trials(frames.finished()))
        assert audits(frames) == []


def test_seconds_saved_are_epochs_at_the_trials_own_pace() -> None:
    """b: 2 epochs left at 120 s each; c: 1 left, 60 s for two."""
    slow = syn.replace(run("b", [0.45], "stopped", STOPPED_EARLY)[0], cost=syn.cost(120.0))
    fast = [syn.replace(r, cost=syn.cost(30.0)) for r in run("c", [0.4, 0.45], "stopped", STOPPED_EARLY)[:-1]]
    ends = [run(name, [0.4], "stopped", STOPPED_EARLY)[-1] for name in "bc"]
    (made,) = audits(build_frames([asha(*run("a", [0.7]), slow, *fast, *ends)]))
    assert made.epochs_saved == 3.0
    assert made.seconds_saved == pytest.approx(2 * 120 + 30)


def test_the_pace_of_a_trial_that_trained_less_than_a_hundredth_of_an_epoch_is_its_own() -> None:
    short = syn.evaluation("b", 1, 0.4, 10.0, epoch=0.005, examples_seen=5, cost=syn.cost(3.0, examples=5))
    (made,) = audits(build_frames([asha(*run("a", [0.7]), short, run("b", [0.4], "stopped", STOPPED_EARLY)[-1])]))
    assert made.seconds_saved == pytest.approx(2.995 * 3.0 / 0.005)


def test_each_stopped_trial_counts_with_its_own_chance_and_the_best_of_them_is_what_is_lost() -> None:
    """The incumbent is 0.7. x and y lend gains of 0.45 and 0 after epoch 1: b (0.45) and c (0.3) come to 0.9 and 0.75, or stay.
    Each wins in half of the draws. Lost are 0.2 where b wins (1/2), 0.05 where c alone does (1/4): 0.1125."""
    lending = random(*run("x", [0.45, 0.5, 0.9]), *run("y", [0.3, 0.2, 0.3]))
    stopped = asha(
        *run("a", [0.5, 0.6, 0.7]), *run("b", [0.45], "stopped", STOPPED_EARLY), *run("c", [0.3], "stopped", STOPPED_EARLY)
    )
    (made,) = audits(build_frames([lending, stopped]))
    assert made.wrongly_stopped == pytest.approx(1.0, abs=0.05)
    assert made.regret == pytest.approx(0.2 / 2 + 0.05 / 4, abs=0.01)
    assert made.reference == 2


def test_a_trial_that_would_have_come_as_far_as_the_winner_was_not_stopped_wrongly() -> None:
    sure = random(*run("x", [0.25, 0.5, 0.5]))
    level = asha(*run("a", [0.25, 0.5, 0.75]), *run("b", [0.5], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([sure, level]))
    assert (made.wrongly_stopped, made.regret) == (0.0, 0.0)


def test_repeats_in_which_nobody_was_stopped_lose_nothing() -> None:
    """The mean over three repeats of 0.2, 0 and 0."""
    lending = random(*run("x", [0.45, 0.5, 0.9]))
    quiet = [asha(*run("a", [0.5, 0.6, 0.7]), repeat=k) for k in (1, 2)]
    stopped = asha(*run("a", [0.5, 0.6, 0.7]), *run("b", [0.45], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([lending, stopped, *quiet]))
    assert (made.wrongly_stopped, made.regret) == (pytest.approx(1), pytest.approx(0.2 / 3))
    assert made.reference == 1


def test_the_twenty_lenders_nearest_in_score_at_the_same_epoch_lend() -> None:
    """Twenty near 0.4 never gain; one at 0.42, one at -0.4 and one an epoch later would have made b win."""
    near = [r for i in range(20) for r in run(f"n{i}", [0.4 + i / 2000, 0.3])]
    others = [*run("far", [0.42, 0.99]), *run("below", [-0.4, 0.9]), *run("later", [0.1, 0.4, 0.99])]
    stopped = asha(*run("a", [0.5, 0.6, 0.7]), *run("b", [0.4], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([random(*others, *near), stopped]))
    assert (made.wrongly_stopped, made.regret) == (0.0, 0.0)


def test_of_lenders_as_near_the_first_lend() -> None:
    """Thirty at 0.4, of which the first twenty never gain, among thirty at 0.41."""
    scores = {i: 0.4 + i % 2 / 100 for i in range(60)}
    lending = [r for i, v in scores.items() for r in run(f"n{i:02d}", [v, v if i < 40 else 0.99])]
    stopped = asha(*run("a", [0.5, 0.6, 0.7]), *run("b", [0.4], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([random(*lending), stopped]))
    assert made.wrongly_stopped == 0.0


def test_one_evaluation_of_one_completed_trial_is_enough_to_lend() -> None:
    stopped = asha(*run("b", [0.45], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([random(*run("x", [0.9])), stopped]))
    assert (made.wrongly_stopped, made.regret, made.reference) == (0.0, 0.0, 1)


def test_without_a_lender_at_that_epoch_nothing_is_lost_that_is_known() -> None:
    lending = random(*[r for r in run("x", [0.4, 0.5, 0.9]) if getattr(r, "epoch", 0) != 1.0])
    stopped = asha(*run("b", [0.4], "stopped", STOPPED_EARLY))
    (made,) = audits(build_frames([lending, stopped]))
    assert (made.wrongly_stopped, made.regret, made.reference) == (0.0, 0.0, 1)


def test_without_a_completed_trial_nobody_lends() -> None:
    (made,) = audits(build_frames([asha(*run("b", [0.45], "stopped", STOPPED_EARLY))]))
    assert made.reference == 0
    assert math.isnan(made.regret)


def test_an_audit_that_took_no_trial_of_a_search_counts_its_stopped_ones() -> None:
    """Two searches with an audit of a half: of one, b went on; of the other, nobody did."""

    def audited(repeat: int) -> Cell:
        cut = asha(
            *run("t000", [0.5, 0.6, 0.7]),
            *run("t001", [0.45], "stopped", STOPPED_EARLY),
            *run("t002", [0.4], "stopped", STOPPED_EARLY),
            repeat=repeat,
        )
        return syn.replace(cut, header=syn.replace(cut.header, seeds={"search": 11}, extra={"audit": 1e-9 if repeat else 1.0}))

    cells = [audited(0), audited(1)]
    gone_on = [syn.evaluation(name, 2, v, 10.0, examples_seen=2 * syn.N_TRAIN) for name, v in (("t001", 0.75), ("t002", 0.6))]
    logs = {
        cell_name(cells[0]): syn.replace(cells[0], records=(syn.start(), *gone_on, syn.end())),
        cell_name(cells[1]): syn.replace(cells[1], records=(syn.start(), syn.end())),
    }
    (made,) = audits(build_frames(cells, audits=logs))
    assert (made.audited, made.audited_stopped) == (2, 4)
    assert made.measured_wrongly.estimate == pytest.approx(1 + 0.5 * 2), "one of two won; of two more half would"
