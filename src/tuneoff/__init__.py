"""tuneoff: which hyperparameter search is worth its money on a real fine-tuning task?

`tuneoff.search` searches the hyperparameters of a transformers.Trainer, `tuneoff.write_report` writes the report of a study's
folder. Each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuneoff.commands.search import SearchResult, search
    from tuneoff.report.page.study_report import StudyReport, write_report

__version__ = "0.3.0.dev0"
__all__ = ["SearchResult", "StudyReport", "__version__", "search", "write_report"]

_PLACES = {
    "SearchResult": "tuneoff.commands.search",
    "search": "tuneoff.commands.search",
    "StudyReport": "tuneoff.report.page.study_report",
    "write_report": "tuneoff.report.page.study_report",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'tuneoff' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
