"""The sections of the report: what is computed, as dataclasses."""
