from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.replay.known import LINE, PLANE, peak, smooth_table, without_seconds
from tuneoff.replay.curves import curves_of, half
from tuneoff.replay.forest import ForestWorld
from tuneoff.replay.gate import check_random, require_equal
from tuneoff.replay.holdout import choose, hold_out, make_world, require_passed
from tuneoff.replay.pool import Pool
from tuneoff.replay.resampling import best_of, random_search
from tuneoff.replay.surrogate import Surrogate, fit_curves
from tuneoff.replay.table import TableError


@pytest.fixture(scope="module")
def smooth():
    return Surrogate(smooth_table(60))


def test_a_pool_draws_each_recorded_trial_once_before_it_begins_again():
    table = smooth_table(12)
    replay = Pool(table).replay(0)
    rows = []
    for number in range(24):
        point = replay.settle(replay.space.sample(np.random.default_rng(0)))
        rows.append(replay.curve(number, point).row)
    assert sorted(rows[:12]) == list(range(12))
    assert rows[12:] == rows[:12]


def test_a_pool_gives_the_nearest_trial_that_is_left_and_says_how_far_it_is():
    table = smooth_table(12, space=LINE)
    replay = Pool(table).replay(0)
    xs = np.array([trial.point["x"] for trial in table.trials])
    by_distance = np.argsort(np.abs(xs - 0.5))
    chosen = [replay.curve(i, replay.settle({"x": 0.5})).row for i in range(3)]
    assert chosen == list(by_distance[:3])
    assert replay.mean_distance == pytest.approx(np.abs(xs - 0.5)[by_distance[:3]].mean())


def test_the_best_of_k_is_counted_as_by_listing_every_draw():
    validation, test = np.array([0.3, 0.9, 0.5, 0.7]), np.array([1.0, 2.0, 3.0, 4.0])
    assert best_of(validation, test, 1) == pytest.approx(2.5)
    assert best_of(validation, test, 2) == pytest.approx((2.0 + 3.0 + 4.0 + 2.0 + 2.0 + 4.0) / 6)
    assert best_of(validation, test, 4) == pytest.approx(2.0)


@pytest.mark.parametrize("kind", ["pool", "gp", "forest"])
def test_random_search_replayed_equals_random_search_counted(kind):
    table = smooth_table(60)
    check = check_random(table, make_world(table, kind), replays=200)
    assert check.counted == random_search(table, check.trials)
    assert check.passed
    require_equal(check, table)


def test_a_world_in_which_replaying_and_counting_differ_is_refused():
    table = smooth_table(60)
    shifted = replace(table, trials=tuple(replace(t, test=tuple(v - 0.2 for v in t.test)) for t in table.trials))
    check = check_random(table, Surrogate(shifted), replays=100)
    assert not check.passed
    with pytest.raises(TableError, match="standard errors apart"):
        require_equal(check, table)


def test_a_surrogate_knows_the_curves_behind_the_luck(smooth):
    errors = [
        smooth.expected({"x": x, "size": size})[0 + 1][5] - peak(x, size)[2] for x in (0.2, 0.4, 0.6, 0.8) for size in (16, 32)
    ]
    assert np.abs(errors).max() < 0.03


def test_scores_of_one_trial_share_their_luck_as_they_did_when_they_were_recorded(smooth):
    point = {"x": 0.6, "size": 32}
    curves = [smooth.replay(0).curve(number, point) for number in range(300)]
    last = np.array([[c.validation[1], c.validation[2], c.test[2]] for c in curves])
    correlations = np.corrcoef(last.T)
    assert correlations[0, 1] > 0.5, "epochs of a trial"
    assert correlations[1, 2] > 0.5, "validation and test"
    assert 0.012 < last[:, 2].std() < 0.03


def test_the_same_seed_and_number_give_the_same_luck(smooth):
    point = {"x": 0.6, "size": 32}
    assert smooth.replay(3).curve(5, point) == smooth.replay(3).curve(5, point)
    assert smooth.replay(3).curve(5, point) != smooth.replay(4).curve(5, point)


def test_a_dear_batch_size_costs_what_it_cost(smooth):
    by_size = {size: smooth.replay(0).curve(0, {"x": 0.5, "size": size}).train_seconds[0] for size in (16, 32)}
    assert by_size == pytest.approx({16: 2.0, 32: 1.0}, rel=0.05)


def test_redrawn_worlds_spread_around_the_fitted_one_and_more_where_less_is_known(smooth):
    point = {"x": 0.5, "size": 16}
    small = Surrogate(smooth_table(15))
    spread = {}
    for name, world in (("60", smooth), ("15", small)):
        values = [world.redrawn(seed).expected(point)[1][5] for seed in range(40)]
        spread[name] = np.std(values)
        assert np.mean(values) == pytest.approx(world.expected(point)[1][5], abs=0.02)
    assert 0 < spread["60"] < spread["15"]


def test_repetitions_of_a_configuration_say_how_large_the_noise_is():
    fit = fit_curves(curves_of(smooth_table(40, repeated=20)))
    assert fit.repeated_sd == pytest.approx(0.0224, rel=0.4)
    assert fit_curves(curves_of(smooth_table(40))).repeated_sd is None


def test_halves_keep_repetitions_together():
    groups = np.array([0, 0, 1, 2, 2, 3])
    for seed in range(20):
        rows = half(groups, seed)
        assert {(g in groups[rows], (groups[rows] == g).sum() == (groups == g).sum()) for g in range(4)} <= {
            (True, True),
            (False, False),
        }


def test_a_forest_gives_collapsed_curves_where_training_collapses():
    table = smooth_table(120, space=LINE)
    collapsed = tuple(replace(t, validation=(0.5,) * 3, test=(0.5,) * 3) if t.point["x"] > 0.7 else t for t in table.trials)
    world = ForestWorld(replace(table, trials=collapsed))
    above = [world.replay(seed).curve(0, {"x": 0.9}).test[-1] for seed in range(50)]
    below = [world.replay(seed).curve(0, {"x": 0.5}).test[-1] for seed in range(50)]
    assert set(above) == {0.5}
    assert min(below) > 0.6


def failed(trial):
    """After its first evaluation."""
    names = ("validation", "test", "train_seconds", "evaluate_seconds", "test_seconds")
    return replace(trial, failed=True, failing_seconds=0.5, **{name: getattr(trial, name)[:1] for name in names})


def test_a_failed_trial_fails_its_neighbours_as_well():
    table = smooth_table(40, space=LINE)
    failing = tuple(failed(t) if t.point["x"] > 0.7 else t for t in table.trials)
    world = Surrogate(replace(table, trials=failing))
    fails = {x: [world.replay(seed).curve(0, {"x": x}).failed for seed in range(30)] for x in (0.2, 0.95)}
    assert not any(fails[0.2])
    assert all(fails[0.95])
    assert len(world.replay(0).curve(0, {"x": 0.95}).validation) == 1


def test_without_recorded_seconds_an_epoch_is_the_unit_of_time():
    table = without_seconds(smooth_table(20))
    assert not table.timed
    assert Pool(table).curves[0].train_seconds == (1.0, 1.0, 1.0)
    assert not any(math.isnan(s) for c in Pool(table).curves for s in (*c.evaluate_seconds, *c.test_seconds))


def test_a_hold_out_is_good_where_the_world_is_smooth_and_refuses_where_it_is_noise():
    good = hold_out(smooth_table(60), "gp")
    assert good.r2 > 0.5
    assert good.passed
    table = smooth_table(60)
    shuffled = np.random.default_rng(0).permutation(60)
    noise = replace(
        table, trials=tuple(replace(t, point=table.trials[i].point) for t, i in zip(table.trials, shuffled, strict=True))
    )
    found = hold_out(noise, "gp")
    assert not found.passed
    with pytest.raises(TableError, match=r"can't be replayed: hold-out .* record \d+ more trials"):
        require_passed(found, noise)


def test_a_large_random_table_is_its_own_world_and_a_small_smooth_one_a_gaussian_process():
    assert choose(smooth_table(301, space=PLANE))[0] == "pool"
    assert choose(smooth_table(40))[0] == "gp"


def test_a_pool_of_trials_that_a_search_chose_is_refused():
    with pytest.raises(TableError, match="not all drawn at random"):
        make_world(replace(smooth_table(20), drawn_at_random=False), "pool")
