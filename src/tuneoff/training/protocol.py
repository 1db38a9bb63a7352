"""How a trial goes on from a checkpoint."""

from __future__ import annotations

RESUME_EXAMPLES, RESUME_TRAINER_2020 = "examples", "trainer_2020"
RESUME = (RESUME_EXAMPLES, RESUME_TRAINER_2020)
"""By examples seen and the hyperparameters in force; or as transformers' Trainer of 2020 did, which restored the
donor's learning rate and weight decay over the mutated ones and recomputed progress from the count of steps."""
