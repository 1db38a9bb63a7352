"""tuneoff: which hyperparameter search is worth its money on a real fine-tuning task?

`tuneoff.search` searches the hyperparameters of a transformers.Trainer; it is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuneoff.commands.search import SearchResult, search

__version__ = "0.3.0.dev0"
__all__ = ["SearchResult", "__version__", "search"]


def __getattr__(name: str) -> Any:
    if name not in ("SearchResult", "search"):
        raise AttributeError(f"module 'tuneoff' has no attribute {name!r}")
    from tuneoff.commands import search as module

    return getattr(module, name)
