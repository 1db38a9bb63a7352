"""One search from start to finish."""
