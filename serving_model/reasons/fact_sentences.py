"""The sentences and names of reason groups, from an account's facts alone."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np

from transforms.reason_facts import FACT_DAYS, USUAL_AFTER_DAYS
from transforms.thresholds import QUIET, SILENT, account_states

LONGEST_WORD: Final = 40
"""Characters of a product area, topic and the like that are shown."""
ABOUT: Final = ("is about", "are about")
ON_TOPIC: Final = ("is on the topic", "are on the topic")
THROUGH: Final = ("came through", "came through")
HABIT_EVENTS: Final = 3
HABIT_DAYS: Final = 14
"""So many events, over so many days at least, and their mean gap is called usual."""


class AccountFacts(NamedTuple):
    """One account's facts, and how far the examples that they come from reach."""

    numbers: Mapping[str, float]
    """By the names of `transforms.reason_facts.fact_names`."""
    words: Mapping[str, str]
    """By the names of `transforms.reason_facts.fact_word_names`."""
    lookback_days: int = 180
    max_events: int = 500

    def count(self, name: str) -> int:
        """Returns a number of events."""
        return round(self.numbers[name])

    def word(self, name: str) -> str:
        """Returns a word in one line, cut where it is too long; "" if there is none."""
        text = "".join(c if c.isprintable() else " " for c in self.words[name]).strip()
        return text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}..."

    @property
    def state(self) -> str:
        """The account's state at the cutoff, one of `transforms.thresholds.STATES`."""
        names = ("tenure_days", "days_since_last", "lifetime_count")
        tenure, last, count = (np.array([self.numbers[name]], np.float64) for name in names)
        return str(account_states(tenure, last, count, self.lookback_days)[0])

    @property
    def capped(self) -> bool:
        """Whether there may be events in the lookback that the example does not list."""
        return self.count("listed_events") >= self.max_events

    def last(self, days: int) -> str:
        """Returns "the last 14 days", never more than the lists reach back."""
        return f"the last {span(min(days, self.lookback_days))}"

    def within(self, days: int) -> str:
        """Returns "in the last 14 days"; "so far" where the account is not that old.

        Nothing is said of a time before its first message, which another reason may tell.
        """
        if self.numbers["tenure_days"] < min(days, self.lookback_days):
            return "so far"
        return f"in {self.last(days)}"


def sentence(group: str, facts: AccountFacts) -> str:
    """Returns what the facts say about a reason group, without a full stop.

    Args:
        group: One of `transforms.reason_groups.group_names`.
        facts: Of the account.

    Raises:
        KeyError: If the group or one of the facts is unknown.
    """
    return _SENTENCES[group](facts)


def _silence(facts: AccountFacts) -> str:
    if not facts.count("lifetime_count"):
        return "no message so far"
    days = facts.numbers["days_since_last"]
    if facts.state in (SILENT, QUIET):
        return f"{facts.state} for {span(days)}{_habit(facts)}"
    return f"last message {ago(days)}{_habit(facts)}"


def _rhythm(facts: AccountFacts) -> str:
    count, tenure = facts.count("lifetime_count"), span(facts.numbers["tenure_days"])
    written = f"{messages(count)} since the first one {ago(facts.numbers['tenure_days'])}"
    if count < 2:
        return f"only one message so far, {tenure} ago" if count else "no message so far"
    return written + _habit(facts)


def _habit(facts: AccountFacts) -> str:
    active = facts.numbers["tenure_days"] - facts.numbers["days_since_last"]
    if facts.count("lifetime_count") < HABIT_EVENTS or active < HABIT_DAYS:
        return ""
    return f"; usually writes {every(facts.numbers['usual_gap'])}"


def _volume(facts: AccountFacts) -> str:
    return _counted(facts, "count", "", "usual_per_30d")


def _positive(facts: AccountFacts) -> str:
    return _counted(facts, "positive", "positive ", "usual_positive_per_30d")


def _critical(facts: AccountFacts) -> str:
    return _counted(facts, "critical", "critical ", None)


def _negative(facts: AccountFacts) -> str:
    area, about = facts.word("top_negative_area"), facts.count("top_negative_area_count")
    days = _shortest_window(facts, "negative")
    if not area or days is None:
        return _counted(facts, "negative", "negative ", "usual_negative_per_30d")
    usual = _usual(facts, "usual_negative_per_30d", days)
    count, when = facts.count(f"negative_{days}d"), facts.within(days)
    least = "at least " if facts.capped else ""
    if about == count:
        return f"{least}{messages(count, f'negative {area} ')} {when}{usual}"
    said = f"{least}{messages(count, 'negative ')} {when}"
    return f"{said}, {about} of them about {area}{usual}"


def _counted(facts: AccountFacts, what: str, kind: str, usual: str | None) -> str:
    days = _shortest_window(facts, what)
    if days is None:
        return _none(facts, kind)
    least = "at least " if facts.capped else ""
    said = f"{least}{messages(facts.count(f'{what}_{days}d'), kind)} {facts.within(days)}"
    return said + (_usual(facts, usual, days) if usual else "")


def _none(facts: AccountFacts, kind: str) -> str:
    if facts.capped:
        return f"no {kind}message {facts.within(FACT_DAYS[-1])} among the newest {facts.max_events}"
    return f"no {kind}message {facts.within(FACT_DAYS[-1])}"


def _shortest_window(facts: AccountFacts, what: str) -> int | None:
    return next((days for days in FACT_DAYS if facts.count(f"{what}_{days}d")), None)


def _usual(facts: AccountFacts, name: str, days: int) -> str:
    """What the life before was like, if enough of it is known."""
    usual = facts.numbers[name]
    if usual < 0 or facts.capped:
        return ""
    if usual == 0 and days == USUAL_AFTER_DAYS:
        return "; none before"
    if usual == 0:
        return f"; none before the last {USUAL_AFTER_DAYS} days"
    return f"; usual rhythm is {rate(usual)}"


def _recent_tone(facts: AccountFacts) -> str:
    seen, negative, positive = (
        facts.count(name) for name in ("newest", "newest_negative", "newest_positive")
    )
    if not seen:
        return f"no message {facts.within(facts.lookback_days)}"
    if seen == 1:
        tone = "negative" if negative else "positive" if positive else "neutral"
        return f"the last message is {tone}"
    return (
        f"of the last {seen} messages, {negative or 'none'} negative, {positive or 'none'} positive"
    )


def _product_areas(facts: AccountFacts) -> str:
    return _shared(facts, "top_area", ABOUT)


def _topics(facts: AccountFacts) -> str:
    return _shared(facts, "top_topic", ON_TOPIC)


def _channels(facts: AccountFacts) -> str:
    return _shared(facts, "top_channel", THROUGH)


def _shared(facts: AccountFacts, name: str, verbs: tuple[str, str]) -> str:
    one, more = verbs
    days, word = _shortest_window(facts, "count"), facts.word(name)
    if days is None:
        return _none(facts, "")
    if not word:
        return _volume(facts)
    count, part = facts.count(f"count_{days}d"), facts.count(f"{name}_count")
    when = facts.within(days)
    if facts.capped:
        return f"at least {messages(part)} {when} {one if part == 1 else more} {word}"
    if count == 1:
        return f"the only message {when} {one} {word}"
    if part == count:
        return f"all {count} messages {when} {more} {word}"
    return f"{part} of {count} messages {when} {one if part == 1 else more} {word}"


def _tenure(facts: AccountFacts) -> str:
    if not facts.count("lifetime_count"):
        return "no message so far"
    return f"first message {ago(facts.numbers['tenure_days'])}"


def _tier(facts: AccountFacts) -> str:
    return f"customer tier is {facts.word('tier') or 'not given'}"


def _region(facts: AccountFacts) -> str:
    return f"region is {facts.word('region') or 'not given'}"


_SENTENCES: Final[Mapping[str, Callable[[AccountFacts], str]]] = {
    "silence": _silence,
    "rhythm": _rhythm,
    "volume": _volume,
    "negative_feedback": _negative,
    "positive_feedback": _positive,
    "recent_tone": _recent_tone,
    "urgency": _critical,
    "product_areas": _product_areas,
    "channels": _channels,
    "topics": _topics,
    "tenure": _tenure,
    "tier": _tier,
    "region": _region,
}


GROUP_WORDS: Final[Mapping[str, str]] = {
    "silence": "time since the last message",
    "rhythm": "how regularly it writes",
    "volume": "how much it writes",
    "negative_feedback": "negative feedback",
    "positive_feedback": "positive feedback",
    "recent_tone": "tone of the last five messages",
    "urgency": "critical messages",
    "product_areas": "product areas it writes about",
    "channels": "channels it writes through",
    "topics": "topics it writes about",
    "tenure": "age of the account",
    "tier": "customer tier",
    "region": "region",
}
"""By the names of `transforms.reason_groups.group_names`; "it" is the account."""


def group_words(group: str) -> str:
    """Returns the words of a group; its name where a model has a group of its own."""
    return GROUP_WORDS.get(group, group)


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
