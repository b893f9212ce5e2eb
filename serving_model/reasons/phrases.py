"""Counts, days and rates in words, singular and plural right."""


def messages(count: int, kind: str = "") -> str:
    """Returns "1 message", "2 negative messages"; `kind` ends with a blank if there is one."""
    return f"{count:,} {kind}message{'' if count == 1 else 's'}"


def span(days: float) -> str:
    """Returns whole days, rounded down: "41 days"."""
    whole = int(days)
    if not whole:
        return "less than a day"
    return f"{whole:,} day{'' if whole == 1 else 's'}"


def ago(days: float) -> str:
    """Returns "41 days ago"."""
    return f"{span(days)} ago"


def every(gap: float) -> str:
    """Returns a mean gap in days as a habit: "every 9 days"."""
    if gap < 0.75:
        return "more than once a day"
    return "every day" if gap < 1.5 else f"every {round(gap):,} days"


def rate(per_30d: float) -> str:
    """Returns events per 30 days, above 0, as a habit: "2 a month", "one every 3 months"."""
    if per_30d >= 1.5:
        return f"{round(per_30d):,} a month"
    months = round(1 / per_30d)
    return "one a month" if months <= 1 else f"one every {months:,} months"
