"""How probable it is that a search is the best, or near it: counted out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tuneoff.report.statistics.best import probability_best, probability_near_best


def test_equal_searches_share_and_a_clear_one_wins():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (8, 1)) @ np.ones((1, 3))
    np.testing.assert_allclose(probability_best(scores), 1 / 3)
    np.testing.assert_allclose(probability_best(scores + np.array([0, 0, 1])), [0, 0, 1])


def test_the_chance_of_two_repeats_is_counted_out() -> None:
    """Draws of two repeats have means 0, 1.5, 3 (a quarter, a half, a quarter) against 1: around 1.5, scaled up by sqrt(2)."""
    made = probability_best([[0.0, 1.0], [3.0, 1.0]], draws=40_000)
    np.testing.assert_allclose(made, [0.75, 0.25], atol=0.01)
    # -0.62, 1.5 and 3.62 against -0.4: unscaled, 0 would win there.
    made = probability_best([[0.0, -0.4], [3.0, -0.4]], draws=40_000)
    np.testing.assert_allclose(made, [0.75, 0.25], atol=0.01)


def test_it_is_right_as_often_as_it_says():
    """Two searches of the same quality: the probability is uniform enough that "90 % sure" is wrong about one time in ten."""
    rng = np.random.default_rng(1)
    chances = np.array([probability_best(rng.normal(0, 1, (10, 2)), draws=500)[0] for _ in range(400)])
    assert 0.05 < (chances > 0.9).mean() < 0.16


def test_a_missing_score_is_an_error_not_a_guess():
    with pytest.raises(ValueError, match="finite"):
        probability_best([[0.1, np.nan], [0.2, 0.3]])


def test_the_chance_to_be_near_the_best_by_hand() -> None:
    """Two repeats with leads 0 and 3: bootstrap means 1.5 + sqrt(2) (-1.5, 0, 1.5), a quarter, half, a quarter."""
    leads = [[0.0], [3.0]]
    assert probability_near_best(leads, [0.0], 1.0, draws=40_000) == pytest.approx(0.25, abs=0.01)
    assert probability_near_best(leads, [0.0], 2.0, draws=40_000) == pytest.approx(0.75, abs=0.01)
    sure = probability_near_best([[0.0], [0.0]], [1.0], 1.0, draws=40_000)
    assert sure == pytest.approx(0.8413, abs=0.01), "the rows' part alone: Phi(1)"
    with pytest.raises(ValueError, match="one a search"):
        probability_near_best(leads, [0.0, 0.0], 1.0)


def test_a_draw_is_scaled_away_from_the_observed_mean() -> None:
    """Of 0, 0 and 3 k draws in three are 3, with the mean 1 + sqrt(3/2) (k - 1): above 1.2 for k = 2 (6 of 27) and 3 (1 of 27).

    Mirrored it would be for k = 0, 8 of 27."""
    made = probability_best([[0.0, 1.2], [0.0, 1.2], [3.0, 1.2]], draws=40_000)
    np.testing.assert_allclose(made, [7 / 27, 20 / 27], atol=0.01)


def test_near_the_best_means_that_no_other_search_is_ahead_by_more_than_the_margin() -> None:
    assert probability_near_best([[0.0, 3.0], [0.0, 3.0]], [0.0, 0.0], 1.0) == 0.0
    assert probability_near_best([[0.0, 1.0], [0.0, 1.0]], [0.0, 0.0], 1.0) == 1.0, "by the margin itself is not more"


def test_each_other_search_has_test_rows_of_its_own() -> None:
    """Independent: Phi(1) for each of two."""
    both = probability_near_best([[0.0, 0.0], [0.0, 0.0]], [1.0, 4.0], 1.0, draws=40_000)
    assert both == pytest.approx(0.8413 * 0.6915, abs=0.01), "Phi(1) Phi(1/2)"


@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.3], [[0.1, 0.2]], [[0.1, np.inf], [0.2, 0.3]], [[[0.1]], [[0.2]]]])
def test_other_shapes_and_single_repeats_are_errors(scores: list[object]) -> None:
    with pytest.raises(ValueError, match="finite, of shape"):
        probability_best(scores)
