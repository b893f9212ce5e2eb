"""Scores on request, over HTTP: `tens-insight serve`."""
