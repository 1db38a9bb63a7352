"""Trackers, one a file, found by name. Importing one does not import the tool that it writes to."""
