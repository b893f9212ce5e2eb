"""The registry of models as people use it: list, show, compare, decide."""
