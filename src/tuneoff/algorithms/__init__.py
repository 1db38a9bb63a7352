"""Search algorithms: a searcher (which configuration next?) and a scheduler (which trial goes on?), found by file name.

To add one, put `searchers/<name>.py` or `schedulers/<name>.py` here, with a frozen dataclass `Settings` (its knobs)
and a function `build` (see `base.py`), and a `conf/algorithm/<name>.yaml` that names it.
"""

from tuneoff.algorithms.discovery import scheduler_names, searcher_names

__all__ = ["scheduler_names", "searcher_names"]
