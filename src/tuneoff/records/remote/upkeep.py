"""Keeps the cells that this process writes in step with the place elsewhere, while it writes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tuneoff.errors import UserError, first_line
from tuneoff.records.remote.lease import Lease
from tuneoff.records.remote.mirror import Mirror
from tuneoff.records.remote.place import RemoteError

SEND_SECONDS = 10.0
"""Between two times that something is sent; what a machine that vanishes can lose."""


@dataclass(kw_only=True)
class _Held:
    """A cell that this process writes. mark: keeps other processes of this machine off. sent: from when it is sent."""

    lease: Lease
    mark: ExitStack = field(default_factory=ExitStack)
    sent: bool = False
    taken: bool = False


class Upkeep:
    """One a mirror. A thread sends, another one says that this machine is at work; what can't be done is tried again, and the
    search goes on."""

    def __init__(self, mirror: Mirror, note: Callable[[str], None]) -> None:
        self._mirror, self._note = mirror, note
        self._held: dict[str, _Held] = {}
        self._guard = threading.RLock()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failing = False

    def hold(self, cell: Path) -> None:
        """Makes this process the cell's one writer, brings it with its snapshots, and sends it from now on. Raises RemoteError
        where another machine writes it."""
        unit = self._unit(cell)
        if unit in self._held:
            return
        held = _Held(lease=Lease(self._mirror.place, unit, self._mirror.name, self._note))
        held.lease.take()
        self._held[unit] = held
        self._start()
        try:
            self._mirror.bring(unit, heavy=True)
            held.mark.enter_context(self._mirror.in_use(unit))
            self._mirror.sign(unit)
            held.sent = True
        except BaseException:
            del self._held[unit]
            held.mark.close()
            held.lease.give_up()
            raise

    def let_go(self, cell: Path) -> None:
        """Sends what is left of a cell. Raises RemoteError where that can't be done: the same command sends it later."""
        self._let_go(self._unit(cell))

    def close(self) -> None:
        """Lets go of all. Raises as `let_go` does."""
        fault: RemoteError | None = None
        for unit in list(self._held):
            try:
                self._let_go(unit)
            except RemoteError as error:
                fault = error
                if unit in self._held:
                    self._held.pop(unit).mark.close()
        self._over.set()
        for thread in self._threads:
            thread.join()
        if fault is not None:
            raise fault

    def catch_up(self, cell: Path) -> None:
        """Sends a finished cell of which something was not sent when it was finished."""
        if self._mirror.unsent(self._unit(cell)):
            self.hold(cell)
            self.let_go(cell)

    def _let_go(self, unit: str) -> None:
        with self._guard:
            held = self._held.get(unit)
            if held is None:
                return
            try:
                self._renew(unit, held)
                if not held.taken:
                    self._mirror.send(unit)
                    held.lease.give_up()
            except RemoteError as error:
                raise RemoteError(
                    f"{error}. Nothing is lost: the records are in {self._mirror.folder / unit}, and the same command on this "
                    "machine sends them"
                ) from error
            del self._held[unit]
            held.mark.close()
        if held.taken:
            raise RemoteError(
                f"{self._mirror.place.name}/{unit} was taken over by another machine, since this one was not heard of for a "
                f"while: that one's search counts, and what this one found is in {self._mirror.folder / unit}"
            )

    def once(self) -> None:
        """Sends what is new of every cell that is held."""
        for unit in list(self._held):
            with self._guard:
                held = self._held.get(unit)
                if held is not None and held.sent and not held.taken:
                    self._tried(lambda unit=unit: self._mirror.send(unit))  # type: ignore[misc]

    def renew(self) -> None:
        """Says again of every cell that is held that this machine is at work on it."""
        for unit, held in list(self._held.items()):
            self._tried(lambda unit=unit, held=held: self._renew(unit, held))  # type: ignore[misc]

    def _renew(self, unit: str, held: _Held) -> None:
        if not held.taken and not held.lease.renew():
            held.taken = True
            self._note(
                f"note: another machine has taken {self._mirror.place.name}/{unit} for left and writes it now; what this one "
                "finds from here on stays on this machine"
            )

    def _tried(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (UserError, OSError) as error:
            if not self._failing:
                self._note(f"note: nothing could be sent just now ({first_line(error)}); it is tried again")
            self._failing = True
        else:
            self._failing = False

    def _start(self) -> None:
        if not self._threads:
            for action in (self.once, self.renew):
                self._threads.append(threading.Thread(target=self._again, args=(action,), name="results-upkeep", daemon=True))
                self._threads[-1].start()

    def _again(self, action: Callable[[], None]) -> None:
        while not self._over.wait(SEND_SECONDS):
            action()

    def _unit(self, cell: Path) -> str:
        return cell.relative_to(self._mirror.folder.resolve()).as_posix()
