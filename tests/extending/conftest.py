"""Parts from outside are registered for one test only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tuneoff import plugins


@pytest.fixture
def own_parts_only_here() -> Iterator[None]:
    """Parts of ours that a test is the first to import stay: their modules are not run again."""
    before = {kind: set(parts) for kind, parts in plugins._registered.items()}
    yield
    for kind, parts in plugins._registered.items():
        for name in set(parts) - before.get(kind, set()):
            if not parts[name].__module__.startswith("tuneoff."):
                del parts[name]
