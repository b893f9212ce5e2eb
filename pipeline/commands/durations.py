"""Durations on the command line: 90m, 26h, 2d."""

import re
from datetime import timedelta
from typing import Any, Final

import click

_PATTERN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=3650)
A_DAY: Final = "24h"


class Duration(click.ParamType):
    """A number and its unit: s, m, h or d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Parses the text; fails with what was expected."""
        if isinstance(value, timedelta):
            return value
        found = _PATTERN.fullmatch(str(value).strip())
        if found is None:
            self.fail(
                f"{value!r} is no duration. Expected a number and s, m, h or d, such as 26h.",
                param,
                ctx,
            )
        seconds = float(found[1]) * timedelta(**{_UNITS[found[2]]: 1}).total_seconds()
        if seconds > _LONGEST.total_seconds():
            self.fail(f"{value!r} is more than ten years.", param, ctx)
        return timedelta(seconds=seconds)


DURATION: Final = Duration()
