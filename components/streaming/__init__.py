"""Scores accounts between two runs: where new feedback comes from, and what becomes of it."""
