"""The searches that decide in real runs, replayed on recorded learning curves in virtual time. Knows neither Ray nor torch."""
