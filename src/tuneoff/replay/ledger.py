"""What a search may still spend in virtual time: the rules of a real run's shared state."""

from __future__ import annotations

TINY = 1e-9


class Ledger:
    """epochs, deadline: what may be trained, and until when; infinite where it is not limited."""

    def __init__(self, *, epochs: float, deadline: float) -> None:
        self._limit, self._deadline = epochs, deadline
        self.epochs = 0.0
        """Charged or reserved so far."""
        self._reserved: dict[str, float] = {}

    def may_start(self, trial: str, now: float, share: float, whole: float | None) -> bool:
        """Whether the budget allows for a trial of `whole` epochs, which is then reserved. None: the trial may be stopped, and
        only an interval of `share` epochs must fit."""
        if whole is None:
            return self._left(now, share)
        if not self._left(now, whole):
            return False
        self._reserved[trial] = whole
        self.epochs += whole
        return True

    def take(self, trial: str, now: float, share: float, seconds: float) -> bool:
        """Whether an interval of `share` epochs, expected to last `seconds`, is within the budget; if so it is charged."""
        reserved = self._reserved.get(trial, 0.0)
        own = reserved + TINY >= share
        if not self._left(now, 0.0 if own else share, seconds):
            return False
        if own:
            self._reserved[trial] = reserved - share
        else:
            self.epochs += share
        return True

    def ended(self, trial: str) -> None:
        """What the trial had reserved and did not train is there for others."""
        self.epochs -= self._reserved.pop(trial, 0.0)

    def _left(self, now: float, epochs: float, seconds: float = 0.0) -> bool:
        return self.epochs + epochs <= self._limit + TINY and now + seconds < self._deadline
