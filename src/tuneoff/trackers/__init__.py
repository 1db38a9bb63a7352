"""A study in the tools that people watch experiments with: readers of its logs, never in a trial's way."""
