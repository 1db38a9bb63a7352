"""tuneoff: which hyperparameter search is worth its money on a real fine-tuning task?"""

__version__ = "0.3.0.dev0"
