"""Numbers and dates as people read them."""

import math
import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Final

NOT_KNOWN: Final = "not known"
MINUS: Final = "\N{MINUS SIGN}"
Ends = tuple[float, float]
_TO: Final = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}"
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def count(value: int | None) -> str:
    """Returns such as `1,446`."""
    return NOT_KNOWN if value is None else f"{value:,}".replace("-", MINUS)


def counted(value: int, one: str, several: str) -> str:
    """Returns such as `1 account` or `1,446 accounts`."""
    return f"{count(value)} {one if value == 1 else several}"


def share(value: float | None) -> str:
    """Returns a share of [0, 1] in percent, such as `22.4%`, more closely below 1 %."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if value in (0, 1):
        return f"{value:.0%}"
    if abs(value) < 0.0001:
        return "under 0.01%"
    text = f"{value:.2%}" if abs(value) < 0.01 else f"{value:.1%}"
    return text.replace("-", MINUS)


def rounded(value: float) -> str:
    """Returns a share in whole percents, for what is read off a line."""
    return f"{value:.0%}" if math.isfinite(value) else NOT_KNOWN


def metric(value: float | None) -> str:
    """Returns four decimals, as the gate's messages have them."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    return f"{value:.4f}".replace("-", MINUS)


def short(value: float) -> str:
    """Returns two decimals, for pictures and sentences beside a table."""
    if not math.isfinite(value):
        return NOT_KNOWN
    return f"{value:.2f}".replace("-", MINUS)


def difference(value: float | None) -> str:
    """Returns four decimals with their sign, which what rounds to zero does not have."""
    if value is None or not math.isfinite(value):
        return NOT_KNOWN
    if abs(value) < 0.00005:
        return metric(0.0)
    return f"{value:+.4f}".replace("-", MINUS)


def ends(found: Ends | None, write: Callable[[float], str] = metric) -> str:
    """Returns an interval such as `0.8012 to 0.8431`; empty where none was made."""
    return "" if found is None else _TO.join(map(write, found))


def moment(text: str) -> str:
    """Returns an ISO 8601 moment as `2026-11-27 06:30 UTC`; other text as it is."""
    if not text:
        return NOT_KNOWN
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    if found.tzinfo is not None:
        found = found.astimezone(timezone.utc)
    return f"{found:%Y-%m-%d %H:%M} UTC"


def moments_in(text: str) -> str:
    """Returns a text whose ISO 8601 moments are written as `moment` does."""
    return _MOMENT.sub(lambda found: moment(found[0]), text)


def duration(seconds: float | None) -> str:
    """Returns such as `2.4 s` or `3 min 12 s`."""
    if seconds is None:
        return NOT_KNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def memory(mib: float | None) -> str:
    """Returns such as `1,024 MiB`."""
    return NOT_KNOWN if mib is None else f"{mib:,.0f} MiB"
