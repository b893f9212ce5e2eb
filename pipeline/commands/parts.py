"""What commands have in common: groups that suggest, examples in the help, moments."""

from datetime import datetime, timezone
from typing import Any, Final

import click

_SUGGESTED: Final = 0.5
"""Least similarity of a command that is suggested, [0, 1]."""


class Group(click.Group):
    """A group that names the commands that may be meant by one that it does not have."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; fails with a suggestion."""
        name = click.utils.make_str(args[0])
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            import difflib

            known = self.list_commands(ctx)
            near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=_SUGGESTED)
            near += [one for one in known if one.startswith(name.lower()) and one not in near]
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint} There are {', '.join(known)}.")
        return super().resolve_command(ctx, args)


def examples(*lines: str) -> str:
    """Returns the end of a command's help: command lines as one types them."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class Number(click.IntRange):
    """A count from the command line: from a least value on, and not beyond what databases count.

    Args:
        least: The least value.
        most: The largest; not told in the help.
    """

    def __init__(self, least: int, most: int = 1_000_000_000):
        super().__init__(least)
        self._most = most

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Parses the text."""
        number = int(super().convert(value, param, ctx))
        if number > self._most:
            self.fail(f"{number} is more than {self._most}.", param, ctx)
        return number


class Moment(click.ParamType):
    """A moment in the past: ISO 8601, in UTC without a zone; also as our own tables show it."""

    name = "moment"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Parses the text, and refuses what no run could be asked for."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        for ending in (" UTC", "Z", "z"):
            if text.endswith(ending):
                text = text.removesuffix(ending) + "+00:00"
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.astimezone(timezone.utc) if moment.tzinfo else _in_utc(moment)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no moment. Expected ISO 8601, UTC without a zone, such as "
                "2026-11-28 or 2026-11-28T06:00.",
                param,
                ctx,
            )
        if moment > datetime.now(timezone.utc):
            self.fail(f"{value!r} is in the future, of which nothing is known yet.", param, ctx)
        if moment.year < _FIRST_YEAR:
            self.fail(f"{value!r} is before {_FIRST_YEAR}.", param, ctx)
        return moment


_FIRST_YEAR: Final = 1970
MOMENT: Final = Moment()


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc)
