"""Worlds of other base rates: equations, settings, and names on the command line."""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from bench.history_options import add_history, history_of
from bench.rate_worlds import RATE_WORLDS, RateWorld
from bench.simulated_history import SimulatedHistory
from pipeline.demo.world_model import SCENARIOS


@pytest.fixture
def untouched() -> Iterator[None]:
    kept = dict(SCENARIOS)
    yield
    SCENARIOS.clear()
    SCENARIOS.update(kept)


@pytest.mark.usefixtures("untouched")
def test_its_equations_are_those_of_the_base_world_but_for_the_shift(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = []
    monkeypatch.setattr(SimulatedHistory, "write", lambda self, _: written.append(self.scenario))
    nowhere: Any = None
    RateWorld("9 %", 10, 70, 1, 0.5).write(nowhere)
    assert written == ["9 %"]
    own, base = SCENARIOS["9 %"], SCENARIOS["base"]
    assert np.subtract(own.intercepts, base.intercepts) == pytest.approx(0.5)
    assert own.satisfaction == base.satisfaction


def test_one_history_is_named() -> None:
    parser = argparse.ArgumentParser()
    add_history(parser)
    world = history_of(parser.parse_args(["--rate", "65-inactivity"]))
    assert world is RATE_WORLDS["65-inactivity"]
    assert world.settings()["label_source"] == "inactivity"
    assert "labelled by inactivity" in world.description
    assert RATE_WORLDS["65"].settings()["label_source"] == "account_churn"
    for words in ([], ["folder", "--rate=2"], ["--world=base", "--rate=2"]):
        with pytest.raises(SystemExit, match="Name one history"):
            history_of(parser.parse_args(words))
