"""One trial. Knows no Ray."""
