"""How fast a trial is here and through transformers' own search, in one run on one machine. See docs/speed.md."""
