"""Tasks: where labelled text comes from, how a protocol splits it, and how it becomes token arrays."""
