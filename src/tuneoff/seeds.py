"""Every seed of a run, derived from two numbers: `seed` and `repeat`."""

from __future__ import annotations

import numpy as np

_PURPOSES = ("split", "search", "training", "retraining")
_AUDIT = 1
"""Sets the audit's draws apart from others of the same seed."""


def derive(seed: int, repeat: int) -> dict[str, int]:
    """Independent seeds by purpose, the same for every algorithm, so that repeats are paired across algorithms."""
    return {purpose: _draw(seed, repeat, index) for index, purpose in enumerate(_PURPOSES)}


def trial_seed(training_seed: int, trial_id: str) -> int:
    """The seed of one trial's head initialisation, data order and dropout. Trial ids are a letter and a number: t000, r003."""
    return _draw(training_seed, int(trial_id[1:]))


def audit_number(search_seed: int, trial_id: str) -> float:
    """From 0 to 1, uniform: an audit of the share p takes the stopped trials whose number is below p. It depends on nothing
    that the search saw, and a larger share only adds trials."""
    return _draw(search_seed, int(trial_id[1:]), _AUDIT) / 2**32


def _draw(*entropy: int) -> int:
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint32)[0])
