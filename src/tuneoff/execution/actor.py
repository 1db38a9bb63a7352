"""What Ray knows of an executor. Whoever holds a handle of it imports this module, so it imports nothing that trains."""

from __future__ import annotations

from typing import Any

from tuneoff.garbage import collector_paused


class ExecutorHost:
    """A process with one executor in it."""

    def __init__(self) -> None:
        with collector_paused():
            from tuneoff.execution.worker import Executor

            self._executor = Executor()

    def call(self, method: str, *arguments: Any) -> Any:
        """What the executor's method returns or raises."""
        return getattr(self._executor, method)(*arguments)
