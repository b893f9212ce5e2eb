"""What a factor refuses, counted by hand, and one world judged by the checks of the gate."""

import numpy as np
import pytest

from bench.calibration_factors import (
    OFF,
    PARTS,
    Judged,
    judged,
    moved,
    refused_by_part,
    refused_by_rate,
    seen_by_rate,
)

NOTHING = dict.fromkeys(PARTS, 1.0)


def a_model(rate: str, overall: float, seen: float = 1.0, is_sound: bool = True) -> Judged:
    return Judged(rate, is_sound, NOTHING | {"overall": overall}, dict.fromkeys(OFF, seen), 100)


FOUND = [
    a_model("2 %", 1.22, 1.45),
    a_model("2 %", 1.0, 1.24),
    a_model("6 %", 1.27),
    a_model("6 %", 3.0, is_sound=False),
]


def test_only_sound_models_are_counted_and_only_beyond_the_factor() -> None:
    head, *rows = refused_by_part(FOUND)
    assert head == ("factor, 3 of 4 sound", *PARTS)
    counts = {factor: int(overall) for factor, overall, *_ in rows}
    assert (counts["1"], counts["1.2"], counts["1.25"], counts["1.3"]) == (2, 2, 1, 0)


def test_shares_are_told_by_rate_with_exact_intervals() -> None:
    head, *rows = refused_by_rate(FOUND)
    assert head == ("factor overall", "2 %", "6 %", "all")
    (row,) = [row for row in rows if row[0] == "1.2"]
    assert row[1:] == (
        "1 of 2, 50.0% [1.3%, 98.7%]",
        "1 of 1, 100.0% [2.5%, 100.0%]",
        "2 of 3, 66.7% [9.4%, 99.2%]",
    )


def test_a_mean_that_is_off_is_seen_by_the_smaller_factor_alone() -> None:
    head, first, *_ = seen_by_rate(FOUND)
    by_factor = dict(zip(head, first, strict=True))
    assert by_factor["base rate"] == "2 %"
    assert by_factor["factor 1.2"].startswith("2 of 2")
    assert by_factor["factor 1.25"].startswith("1 of 2")


@pytest.mark.parametrize("factor", OFF)
def test_a_model_is_set_off_by_the_factor_and_ranks_as_before(factor: float) -> None:
    found = np.random.default_rng(1).beta(1, 12, 500)
    off = moved(found, factor)
    assert off.mean() == pytest.approx(factor * found.mean(), rel=1e-9)
    assert (np.argsort(off) == np.argsort(found)).all()


def test_a_world_is_judged_by_the_checks_of_the_gate() -> None:
    found = judged(101, "6 %", "strong")
    assert found.is_sound
    assert min(found.beyond.values()) >= 1
    assert found.seen[1.35] > found.seen[1.22] >= 1
