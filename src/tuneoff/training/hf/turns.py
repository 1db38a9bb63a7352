"""Two that work in turns: a function in a thread of its own, and its caller, of whom one waits while the other works."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_GO, _STOP = object(), object()


class Turns(Generic[T]):
    """work: called in a thread with `pause`, which hands a value to the caller and waits for its turn; it returns False where
    the caller wants no more. So a loop that can't be left in the middle can be left in the middle."""

    def __init__(self, work: Callable[[Callable[[T], bool]], None]) -> None:
        self._work = work
        self._to_work: SimpleQueue[Any] = SimpleQueue()
        self._to_caller: SimpleQueue[tuple[bool, Any]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tuneoff trial", daemon=True)

    def next(self) -> T | None:
        """Lets the thread work until it pauses, and returns what it hands over; None at its end. Raises what ended it."""
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._to_work.put(_GO)
        handed: T | None = self._answer()
        return handed

    def ask(self, question: Callable[[], R]) -> R:
        """The answer to a question, worked out in the thread while it pauses."""
        self._to_work.put(question)
        answer: R = self._answer()
        return answer

    def close(self) -> None:
        """Asks for no more, and waits for the thread's end. Errors on the way there are nobody's."""
        while self._thread.is_alive():
            self._to_work.put(_STOP)
            self._to_caller.get()

    def _answer(self) -> Any:
        went_well, value = self._to_caller.get()
        if not went_well:
            raise value
        if value is None:
            self._thread.join()
        return value

    def _run(self) -> None:
        try:
            self._work(self._pause)
        except BaseException as error:  # handed to the caller, whatever it is
            self._to_caller.put((False, error))
        else:
            self._to_caller.put((True, None))

    def _pause(self, value: T) -> bool:
        self._to_caller.put((True, value))
        while (order := self._to_work.get()) not in (_GO, _STOP):
            try:
                self._to_caller.put((True, order()))
            except BaseException as error:
                self._to_caller.put((False, error))
        return order is _GO
