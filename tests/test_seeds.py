"""Seeds: independent by purpose, equal for every algorithm, never changed from one version to the next."""

from __future__ import annotations

import numpy as np

from tuneoff.seeds import audit_number, derive, trial_seed


def test_each_purpose_repeat_and_seed_has_a_seed_of_its_own() -> None:
    seeds = [number for seed in range(3) for repeat in range(3) for number in derive(seed, repeat).values()]
    assert len(set(seeds)) == 3 * 3 * 4
    assert list(derive(0, 0)) == ["split", "search", "training", "retraining"]


def test_seeds_are_numpys_seed_sequences_of_seed_repeat_and_purpose() -> None:
    for index, (_, number) in enumerate(derive(5, 2).items()):
        assert number == np.random.SeedSequence([5, 2, index]).generate_state(1)[0]


def test_a_trials_seed_is_drawn_from_its_number() -> None:
    assert trial_seed(9, "t012") == np.random.SeedSequence([9, 12]).generate_state(1)[0] == trial_seed(9, "r012")
    numbers = [*range(50), 112, 212, 1012]
    assert len({trial_seed(9, f"t{number:03d}") for number in numbers}) == len(numbers)


def test_an_audits_number_is_drawn_from_the_trials_number_and_is_uniform() -> None:
    want = np.random.SeedSequence([9, 12, 1]).generate_state(1)[0] / 2**32
    assert audit_number(9, "t012") == want
    numbers = np.array([audit_number(9, f"t{number:03d}") for number in range(2000)])
    assert np.histogram(numbers, bins=4, range=(0, 1))[0].min() > 430
