"""Search algorithms: a searcher (which configuration next?) and a scheduler (which trial goes on?), found by name.

To add one, put a class derived from `contracts.Searcher` or `contracts.Scheduler` into `searchers/<name>.py` or
`schedulers/<name>.py` here, or register it from a module of your own, and a `conf/algorithm/<name>.yaml` that names it.
"""

from tuneoff.algorithms.discovery import scheduler_names, searcher_names

__all__ = ["scheduler_names", "searcher_names"]
