"""Benchmarks: how good the model can be, and how good it is."""
