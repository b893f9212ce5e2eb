"""What a failed check does, by group and setting: warn, stop, or off."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from components.data_checker.checks import STOPPED, WARNED, Check
from components.verdicts import FAILED, SKIPPED

WARN: Final = "warn"
STOP: Final = "stop"
OFF: Final = "off"

DEFAULT_ACTIONS: Final[Mapping[str, str]] = {
    "schema": STOP,
    "size": STOP,
    "freshness": STOP,
    "truth": STOP,
    "identity": STOP,
    "drift": WARN,
    "skew": WARN,
    "unseen": WARN,
    "missing": WARN,
    "volume": WARN,
    "population": WARN,
}
"""Stop where no model could come of it; warn where a person has to judge: a shift may be the
market, and a model that has seen it is better than yesterday's."""
_ALWAYS_ON: Final = ("schema", "size")


def complete_actions(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the action of every group: the given ones over the defaults.

    Raises:
        ValueError: Says which name or word is unknown, and what was expected.
    """
    for group, action in given.items():
        if group not in DEFAULT_ACTIONS:
            known = ", ".join(DEFAULT_ACTIONS)
            raise ValueError(f"no group of data checks is called {group!r}; there are {known}")
        words = (STOP, WARN) if group in _ALWAYS_ON else (STOP, WARN, OFF)
        if action not in words:
            raise ValueError(f"{group} is {action!r}, expected {' or '.join(words)}")
    return {**DEFAULT_ACTIONS, **given}


def decide(checks: Iterable[Check], actions: Mapping[str, str]) -> Iterator[Check]:
    """Yields the checks with their last verdict: a failed one has warned or stopped.

    Args:
        checks: Passed, failed or skipped.
        actions: One for each group.
    """
    for check in checks:
        action = actions[check.group]
        if action == OFF:
            message = f"{check.name}: switched off (TENS_INSIGHT_DATA_CHECKS)"
            yield replace(check, verdict=SKIPPED, message=message)
        elif check.verdict == FAILED:
            yield replace(check, verdict=STOPPED if action == STOP else WARNED)
        else:
            yield check
