"""An object with the calling convention of a Ray actor, in this process; `ray.get` must be the identity."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class LocalActor:
    def __init__(self, of: Any) -> None:
        self.of = of

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=getattr(self.of, name))
