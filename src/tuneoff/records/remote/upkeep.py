"""Keeps the cells that this process writes in step with the place elsewhere, while it writes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tuneoff.errors import UserError, first_line
from tuneoff.records.remote.lease import Lease
from tuneoff.records.remote.mirror import Mirror
from tuneoff.records.remote.place import RemoteError

SEND_SECONDS = 10.0
"""Between two times that something is sent; what a machine that vanishes can lose."""


class Upkeep:
    """One a mirror. A thread sends; what it can't send, it tries again, and the search goes on."""

    def __init__(self, mirror: Mirror, note: Callable[[str], None]) -> None:
        self._mirror, self._note = mirror, note
        self._held: dict[str, Lease] = {}
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = False

    def hold(self, cell: Path) -> None:
        """Makes this process the cell's one writer, brings it with its snapshots, and sends it from now on. Raises RemoteError
        where another machine writes it."""
        unit = cell.relative_to(self._mirror.folder.resolve()).as_posix()
        if unit in self._held:
            return
        lease = Lease(self._mirror.place, unit, self._note)
        lease.take()
        with self._guard:
            self._held[unit] = lease
        self._mirror.bring(unit, heavy=True)
        self._mirror.sign(unit)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="results-upkeep", daemon=True)
            self._thread.start()

    def let_go(self, cell: Path | None = None) -> None:
        """Sends what is left of a cell, or of all. Raises RemoteError where it can't be sent: the same command sends it
        later."""
        wanted = None if cell is None else cell.relative_to(self._mirror.folder.resolve()).as_posix()
        with self._guard:
            units = [unit for unit in self._held if wanted in (None, unit)]
            leases = {unit: self._held.pop(unit) for unit in units}
        fault: RemoteError | None = None
        for unit, lease in leases.items():
            try:
                if lease.renew():
                    self._mirror.send(unit)
                    lease.give_up()
                else:
                    self._taken(unit)
            except RemoteError as error:
                fault = error
        if fault is not None:
            raise RemoteError(
                f"{fault}. Nothing is lost: the records are in {self._mirror.folder}, and the same command on this machine "
                "sends them"
            ) from fault

    def close(self) -> None:
        """Raises as `let_go` does."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self.let_go()

    def _run(self) -> None:
        while not self._over.wait(SEND_SECONDS):
            self.once()

    def once(self) -> None:
        """Sends what is new of every cell that is held."""
        with self._guard:
            held = dict(self._held)
        for unit, lease in held.items():
            try:
                if lease.renew():
                    self._mirror.send(unit)
                    self._failing = False
                else:
                    with self._guard:
                        self._held.pop(unit, None)
                    self._taken(unit)
            except (UserError, OSError) as error:
                if not self._failing:
                    self._note(f"note: nothing could be sent just now ({first_line(error)}); it is tried again")
                self._failing = True

    def _taken(self, unit: str) -> None:
        self._note(
            f"note: another machine has taken {self._mirror.place.name}/{unit} for left and writes it now; what this one finds "
            "from here on stays on this machine"
        )
