"""Results at an address (results=s3://...), for the commands: brought before they are read, sent when they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tuneoff.records.remote.address import checked_address, is_address
from tuneoff.records.remote.place import RemoteError
from tuneoff.redaction import redacted

if TYPE_CHECKING:
    from tuneoff.config import RunConfig
    from tuneoff.records.remote.mirror import Mirror
    from tuneoff.records.remote.upkeep import Upkeep


class Elsewhere:
    """A command's one address, once a search has it. All raise RemoteError where it can't be reached."""

    def __init__(self) -> None:
        self._mirror: Mirror | None = None
        self._upkeep: Upkeep | None = None

    def bring(self, config: RunConfig) -> None:
        """Brings what is there of the study now; of the cell also the weights, where its model is to be kept."""
        if config.elsewhere is None:
            return
        if self._mirror is None:
            from tuneoff.records.remote.mirror import Mirror
            from tuneoff.records.remote.upkeep import Upkeep

            self._mirror = Mirror(config.elsewhere, _note)
            self._upkeep = Upkeep(self._mirror, _note)
            print(f"results: {self._mirror.place.name}, worked on in {self._mirror.folder}")
        self._mirror.bring(config.study)
        if config.keep is not None:
            self._mirror.bring(config.cell.relative_to(self._mirror.folder.resolve()).as_posix(), heavy=True)

    def catch_up(self, config: RunConfig) -> None:
        """Sends what is missing there of a finished cell."""
        if self._upkeep is not None and not config.dry_run:
            self._upkeep.catch_up(config.cell)

    @contextmanager
    def held(self, config: RunConfig) -> Iterator[None]:
        """The search in this block is the cell's one writer, on all machines, and is sent while it goes on. Where it is
        interrupted, `close` sends the rest."""
        if self._upkeep is None:
            yield
            return
        self._upkeep.hold(config.cell)
        try:
            yield
        except Exception:
            try:
                self._upkeep.let_go(config.cell)
            except RemoteError as error:
                _note(f"note: {error}")
            raise
        self._upkeep.let_go(config.cell)

    def close(self) -> None:
        """Sends what a search that was cut off left."""
        if self._upkeep is not None:
            self._upkeep.close()


@contextmanager
def brought(results: str, setting: str = "--results", *, heavy: bool = False) -> Iterator[Path]:
    """The results folder; of an address its working copy, with all records as they are there. What the block writes beside the
    records is sent at its end, where it comes there. heavy: with weights."""
    if not is_address(results):
        yield Path(results)
        return
    from tuneoff.records.remote.mirror import Mirror

    mirror = Mirror(checked_address(results, setting), _note)
    mirror.bring(heavy=heavy)
    yield mirror.folder
    try:
        if mirror.send_reports():
            print(f"Sent to {mirror.place.name}.")
    except RemoteError as error:
        _note(f"note: what is written is not sent: {error}")


def _note(text: str) -> None:
    print(redacted(text), file=sys.stderr)
