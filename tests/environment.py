"""The environment of a test."""

import os

import pytest


def unset_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes all variables of settings: what a test does not set has its default."""
    for name in [name for name in os.environ if name.startswith("TENS_INSIGHT_")]:
        monkeypatch.delenv(name)
