"""Results at an address (results=s3://...), for the commands: brought before they are read, sent when they are written."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tuneoff.records.remote.address import checked_address, is_address
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
        self._brought: set[str] = set()

    def bring(self, config: RunConfig) -> None:
        """Brings the study, once a command."""
        if config.elsewhere is None:
            return
        if self._mirror is None:
            from tuneoff.records.remote.mirror import Mirror

            self._mirror = Mirror(config.elsewhere, _note)
            print(f"results: {self._mirror.place.name}, worked on in {self._mirror.folder}")
        if config.study not in self._brought:
            self._brought.add(config.study)
            self._mirror.bring(config.study)

    @contextmanager
    def held(self, config: RunConfig) -> Iterator[None]:
        """The search in this block is the cell's one writer, on all machines, and is sent while it goes on."""
        if self._mirror is None:
            yield
            return
        if self._upkeep is None:
            from tuneoff.records.remote.upkeep import Upkeep

            self._upkeep = Upkeep(self._mirror, _note)
        self._upkeep.hold(config.cell)
        yield
        self._upkeep.let_go(config.cell)

    def close(self) -> None:
        """Sends what a search that was cut off left, and what trackers wrote down."""
        if self._upkeep is not None:
            self._upkeep.close()
        if self._mirror is not None:
            self._mirror.send_reports()


@contextmanager
def brought(results: str, setting: str = "--results") -> Iterator[Path]:
    """The results folder; of an address its working copy, with all records as they are there. What the block writes beside the
    records is sent at its end."""
    if not is_address(results):
        yield Path(results)
        return
    from tuneoff.records.remote.mirror import Mirror

    mirror = Mirror(checked_address(results, setting), _note)
    mirror.bring()
    yield mirror.folder
    if mirror.send_reports():
        print(f"Sent to {mirror.place.name}.")


def _note(text: str) -> None:
    print(redacted(text), file=sys.stderr)
