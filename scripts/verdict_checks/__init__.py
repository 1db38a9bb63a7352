"""The tables of scripts/check_verdicts.py: simulated studies with a known truth."""
