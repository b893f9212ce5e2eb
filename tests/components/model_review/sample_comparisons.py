"""What `compare_models` would say of two models, from the predictions of a fixed seed."""

import functools
from typing import Any

from components.model_gate.decision_file import CHALLENGER, CHAMPION
from pipeline.registry.comparison import Comparison
from pipeline.registry.same_snapshot import compared
from tests.components.model_review.sample_extremes import ATTACKS
from tests.components.model_review.sample_predictions import CUTOFF, predictions
from tests.components.model_review.sample_runs import CHALLENGER_VERSION, CHAMPION_VERSION

Found = dict[str, Any]


@functools.cache
def better() -> Found:
    """B ranks better than a, beyond chance."""
    return _found(CHAMPION, CHALLENGER)


@functools.cache
def worse() -> Found:
    """The other way round."""
    return _found(CHALLENGER, CHAMPION)


@functools.cache
def same() -> Found:
    """A model and itself."""
    found = _found(CHALLENGER, CHALLENGER)
    return found | {"b": found["a"], "data": [], "settings": []}


@functools.cache
def not_compared() -> Found:
    """Models that have no snapshot in common."""
    why = "They learnt from snapshots that are cut differently (horizon_days is 60 and 30)."
    return _found(CHAMPION, CHALLENGER) | {"snapshot": None, "not_compared": why}


@functools.cache
def attacked() -> Found:
    """As better, but every text attacks the page."""
    found, texts = better(), iter(ATTACKS * 100)
    names = {one["name"]: one["name"] for one in found["snapshot"]["metrics"]}

    def attack(value: Any) -> Any:
        if isinstance(value, str):
            return names.get(value) or f"{next(texts)} {value}"
        if isinstance(value, dict):
            return {name: attack(one) for name, one in value.items()}
        return [attack(one) for one in value] if isinstance(value, list | tuple) else value

    return attack(found)


def _found(a: str, b: str) -> Found:
    made = predictions(challenger=0.4, champion=1.6)
    versions = {CHALLENGER: CHALLENGER_VERSION, CHAMPION: CHAMPION_VERSION}
    snapshot = compared(
        made.accounts.tolist(),
        made.labels,
        (made.models[a], made.models[b]),
        made.traits,
        version=CHALLENGER_VERSION,
        cutoff=CUTOFF,
        top=20,
    )
    days = [f"2026-0{month}-0{day}T00:00:00+00:00" for month in (1, 2, 3) for day in (1, 8)]
    return Comparison(
        a=versions[a],
        b=versions[b],
        snapshot=snapshot,
        not_compared="",
        data=(
            ("as_of", "2026-05-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"),
            ("feedback_rows", 57_410, 61_204),
            ("train_cutoffs", ",".join(days[:4]), ",".join(days)),
            ("train_examples", 9_870, 12_020),
            ("code_version", "-", "c0de5eed0123"),
        ),
        settings=(("l2", 0.002, 0.05), ("members", 1, 6), ("hidden_units", [64], [32])),
    ).as_json()
