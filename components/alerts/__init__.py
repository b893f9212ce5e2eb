"""Alerts: what needs a person, opened once, told once, resolved."""
