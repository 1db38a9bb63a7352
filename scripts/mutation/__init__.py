"""Plants mistakes in a module, one at a time, and finds out whether a test notices. Command: scripts/mutate.py."""
