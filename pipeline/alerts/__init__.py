"""Alerts of an installation: what is looked at, and when it is told."""
