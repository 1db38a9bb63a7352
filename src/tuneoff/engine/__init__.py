"""How a training step is made: batches, model, precision and schedule. Knows neither Ray nor Hydra."""
