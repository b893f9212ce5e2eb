"""Why the mean score changed, for people and as plain values."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Final

from components.causes.record import RecordedCause
from components.contributions.mean_change import Carrier, MeanChange, Part
from pipeline.text.plain_text import NONE, minute, table_lines
from pipeline.text.terminal import escape_controls

_WORDS: Final = {
    "came": "accounts that came",
    "left": "accounts that left",
    "feedback": "accounts in both: their feedback, by the former model",
    "rest": "rounding",
}
_NAMED: Final = 2
_SMALLEST: Final = 0.0005


def change_lines(change: MeanChange) -> Iterator[str]:
    """Yields why the mean changed, in percent points that add up."""
    before, after = change.before, change.after
    yield (
        f"Why the mean score changed from {minute(before.as_of)} (publication "
        f"{before.publication_id}) to {minute(after.as_of)} (publication {after.publication_id})"
    )
    if change.steps > 1:
        yield f"  added up from {change.steps} steps, since another model scored in between"
    ordered = sorted(
        change.parts, key=lambda one: -abs(one.change) if one.part == "group" else -math.inf
    )
    rows = [
        (_points(one.change), _name(change, one), f"{one.accounts} accounts")
        for one in ordered
        if one.part != "rest" or abs(one.change) >= 5e-7
    ]
    means = f"percent points: {change.means[0]:.3%} to {change.means[1]:.3%}"
    rows.append((_points(change.change), means, f"{change.in_both} in both"))
    yield from table_lines(rows, right=(0,), indent="  ")
    if change.carriers:
        yield ""
        yield f"The {len(change.carriers)} accounts that carry most"
        yield from table_lines([_carrier(one) for one in change.carriers], right=(1,), indent="  ")


def why_lines(change: MeanChange | None, cause: RecordedCause | None) -> Iterator[str]:
    """Yields why the mean moved last, and what the feedback says; nothing of what is not known."""
    if change is not None:
        yield ""
        yield from change_lines(replace(change, carriers=[]))
    if cause is not None:
        yield ""
        yield f"The feedback speaks for: {cause.cause}"
        for sentence in cause.evidence:
            yield from textwrap.wrap(
                escape_controls(sentence), 79, initial_indent="  ", subsequent_indent="  "
            )


def change_json(change: MeanChange) -> dict[str, Any]:
    """Returns plain values."""
    return asdict(change) | {"change": change.change}


def _points(value: float) -> str:
    """Returns percent points; what is no change has no sign of a fall."""
    return f"{round(100 * value, 4) + 0.0:+.4f}"


def _name(change: MeanChange, part: Part) -> str:
    if part.part == "group":
        return part.feature_group.replace("_", " ")
    if part.part == "model":
        before, after = change.before.model_version, change.after.model_version
        if before == after:
            return "accounts in both; no reasons were recorded"
        if change.steps == 1 and any(one.part == "feedback" for one in change.parts):
            return f"accounts in both: another model ({before}, then {after})"
        if change.steps > 1:
            return "another model, at the steps where one began, and feedback at these steps"
        return f"accounts in both; another model ({before}, then {after}) and their feedback"
    return _WORDS[part.part]


def _carrier(one: Carrier) -> tuple[str, ...]:
    sides = [NONE if p is None else f"{p:.1%}" for p in (one.before, one.after)]
    falling = sorted(one.groups.items(), key=lambda item: -abs(item[1]))[:_NAMED]
    groups = ", ".join(
        f"{100 * value:+.1f} {name.replace('_', ' ')}"
        for name, value in falling
        if abs(value) >= _SMALLEST
    )
    what = "came" if one.before is None else "left" if one.after is None else groups
    return (one.account_id, _points(one.change), f"{sides[0]} to {sides[1]}", what)
