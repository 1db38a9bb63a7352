"""Entry points: a search, a report, a look at the data. The only package that knows Hydra."""
