"""What `compare_models` would say of two models, from the predictions of a fixed seed."""

import dataclasses
import functools
from typing import Any

from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.model_review.sections.compared import Comparison, Difference
from components.model_review.sections.comparison import compare_answers
from tests.components.model_review.sample_extremes import ATTACKS
from tests.components.model_review.sample_predictions import CUTOFF, predictions
from tests.components.model_review.sample_runs import CHALLENGER_VERSION, CHAMPION_VERSION


@functools.cache
def better() -> Comparison:
    """B ranks better than a, beyond chance."""
    return _compared(CHAMPION, CHALLENGER)


@functools.cache
def worse() -> Comparison:
    """The other way round."""
    return _compared(CHALLENGER, CHAMPION)


@functools.cache
def same() -> Comparison:
    """A model and itself."""
    found = _compared(CHALLENGER, CHALLENGER)
    return dataclasses.replace(found, b=found.a, data=(), settings=())


@functools.cache
def not_compared() -> Comparison:
    """Models that have no evaluation set in common."""
    why = "They learnt from examples that are cut differently (horizon_days is 60 and 30)."
    found = _compared(CHAMPION, CHALLENGER)
    return dataclasses.replace(found, evaluation=None, not_compared=why)


@functools.cache
def attacked() -> Comparison:
    """As better, but every text attacks the page."""
    texts = iter(ATTACKS * 100)

    def attack(value: Any) -> Any:
        if isinstance(value, str):
            return f"{next(texts)} {value}"
        if dataclasses.is_dataclass(value):
            fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
            return type(value)(**{name: attack(one) for name, one in fields.items()})
        if isinstance(value, dict):
            return {name: attack(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(attack(one) for one in value)
        return value

    return attack(better())


def _compared(a: str, b: str) -> Comparison:
    made = predictions(challenger=0.4, champion=1.6)
    versions = {CHALLENGER: CHALLENGER_VERSION, CHAMPION: CHAMPION_VERSION}
    evaluation = compare_answers(
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
        evaluation=evaluation,
        not_compared="",
        data=(
            Difference("as_of", "2026-05-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00"),
            Difference("feedback_rows", 57_410, 61_204),
            Difference("train_cutoffs", ",".join(days[:4]), ",".join(days)),
            Difference("train_examples", 9_870, 12_020),
            Difference("code_version", "-", "c0de5eed0123"),
        ),
        settings=(
            Difference("l2", 0.002, 0.05),
            Difference("members", 1, 6),
            Difference("hidden_units", [64], [32]),
        ),
    )
