"""What two models learnt from and with, where that differs."""

import json
from collections.abc import Sequence
from typing import Any, Final

from components.model_review.page import numbers
from components.model_review.page.blocks import Block, Part, Section, Table, Text
from components.model_review.page.sections.pair_words import Found

_ABSENT: Final = "-"
_CUTOFFS: Final = ("train_cutoffs", "eval_cutoffs")
_WORDS: Final = {
    "as_of": "as of",
    "label_source": "source of the label",
    "lookback_days": "days that it looks back",
    "horizon_days": "days that the label looks ahead",
    "max_events": "events of an account, at most",
    "duplicate_events": "duplicate events",
    "feedback_rows": "rows of feedback",
    "train_cutoffs": "training cutoffs",
    "train_examples": "examples learnt from",
    "train_churned": "churned among them",
    "eval_cutoffs": "evaluation cutoff",
    "eval_examples": "examples evaluated on",
    "eval_churned": "churned among these",
    "code_version": "code version",
}


def what_differs(found: Found) -> Section:
    """Returns the section."""
    data, settings = found["data"], found["settings"]
    parts = (
        Part("Data and code", (_differing("Data and code that differ", data),)),
        Part("Settings", (_differing("Settings that differ", settings),)),
    )
    said = (
        f"Here {numbers.counted(len(data), 'fact', 'facts')} about data and code and "
        f"{numbers.counted(len(settings), 'setting', 'settings')} differ."
    )
    return Section("differences", "What was done differently?", said, parts)


def value_words(name: str, value: Any) -> str:
    """Returns a value for people: several cutoffs as their number, first and last."""
    if value == _ABSENT:
        return "not recorded"
    if name in _CUTOFFS and isinstance(value, str):
        cutoffs = value.split(",")
        first, last = (numbers.moment(one) for one in (cutoffs[0], cutoffs[-1]))
        return first if len(cutoffs) == 1 else f"{len(cutoffs)} from {first} to {last}"
    if isinstance(value, str):
        return numbers.moment(value) if name == "as_of" else value
    if isinstance(value, int) and not isinstance(value, bool):
        return numbers.count(value)
    return json.dumps(value, ensure_ascii=False)


def _differing(caption: str, rows: Sequence[Found]) -> Block:
    if not rows:
        return Text("None that is recorded.")
    return Table.of(
        caption,
        ("What", "A", "B"),
        (
            (
                _WORDS.get(one["name"], one["name"]),
                *(value_words(one["name"], one[model]) for model in ("a", "b")),
            )
            for one in rows
        ),
    )
