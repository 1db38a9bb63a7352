"""Engines, one a file, found by name: what trains the trials. Importing one imports neither torch nor Ray."""
