"""Searchers, one a file: which configuration is tried next. None of them knows Ray."""
