"""The networks of the training tests."""

from tests.training.conftest import base, job

__all__ = ["base", "job"]
