"""Sinks: where alerts are told. Each is configured by settings, several at once."""
