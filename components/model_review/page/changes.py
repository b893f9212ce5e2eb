"""What changed? Volume, drift and settings, and what the data gate checked."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from components.data_checker.checks import STOPPED, WARNED, Check
from components.data_checker.pairs import DRIFT, SKEW
from components.data_checker.value_checks import UNSEEN
from components.model_review.page import cells
from components.model_review.page.charts.intervals import Measured, intervals
from components.model_review.page.words import absent
from components.model_review.review import Review
from components.model_review.sections.changes import Change, Changes, Drift
from components.model_review.sections.estimates import Estimate
from components.page import numbers, theme
from components.page.blocks import (
    BAD,
    WARN,
    Absent,
    Block,
    Figure,
    Noted,
    Pairs,
    Part,
    Row,
    Section,
    Table,
    Text,
)
from components.page.words import listed

_NOTHING_READ: Final = "The run read nothing."
_NOTHING: Final = Changes((), (), (), None, "")
_MOST_DRAWN: Final = 14
ALARMING: Final = (STOPPED, WARNED)
_COLUMNS: Final = ("Check", "Of", "Found#", "Threshold", "Verdict")
_COMPARING: Final = (DRIFT, SKEW, UNSEEN)
_MARKS: Final = {STOPPED: BAD, WARNED: WARN}


def changes_section(review: Review) -> Section:
    """Returns the section."""
    found = review.changes or _NOTHING
    parts = (
        Part("Volume", (_volume(review, found),)),
        Part("Drift by feature", (_drift(found),)),
        Part("Settings that differ from the champion's", (_settings(found),)),
        Part("Checks of the data gate", _checks(review)),
        Part("Data that was read", (_facts(review),)),
    )
    return Section("changed", "What changed?", changed_here(review), parts)


def changed_here(review: Review) -> str:
    """Says how many checks of the data gate passed, and which warned or stopped the run."""
    if not review.data_checks:
        return "The data gate made no check in this run."
    alarming = [one for one in review.data_checks if one.verdict in ALARMING]
    passed = sum(one.verdict == "passed" for one in review.data_checks)
    said = f"{numbers.counted(passed, 'check', 'checks')} of the data passed"
    if not alarming:
        return f"{said}, and none warned or stopped the run."
    named = listed([one.name for one in alarming])
    return f"{said}, and {numbers.count(len(alarming))} did not: {named}."


def _volume(review: Review, found: Changes) -> Block:
    if not review.data_facts:
        return absent(review, "data_facts", _NOTHING_READ)
    if not found.volume:
        return Absent("There is no earlier publication to compare with.")
    since = f"Now, and at the last publication as of {numbers.moment(found.since)}"
    return changes_table(since if found.since else "Before and now", found.volume)


def _drift(found: Changes) -> Block:
    if not found.drift:
        return Absent("No feature was compared between two splits: the checks below say why.")
    return drift(found.drift)


def _settings(found: Changes) -> Block:
    if found.champion_version is None:
        return Absent(
            "There was no champion to compare with, or the run ended before the comparison."
        )
    if not found.settings:
        return Text(
            f"No setting is known to differ from those of the champion {found.champion_version}."
        )
    caption = f"Settings that differ from those of the champion {found.champion_version}"
    return changes_table(caption, found.settings)


def changes_table(caption: str, changes: tuple[Change, ...]) -> Table:
    """Returns a table of what was and what is."""
    rows = ((one.name, *map(_dashed, (one.before, one.now))) for one in changes)
    return Table.of(caption, ("What", "Before", "Now"), rows)


def _dashed(text: str) -> str:
    return "\N{EN DASH}" if text == "-" else text


def _checks(review: Review) -> tuple[Block, ...]:
    if not review.data_checks:
        return (absent(review, "data_checks", "The run checked no data."),)
    failing = failing_checks(review, "Data checks that did not pass")
    first: Block = failing or Text("No check of the data warned or stopped the run.")
    return (first, all_checks(review))


def _facts(review: Review) -> Block:
    if not review.data_facts:
        return absent(review, "data_facts", _NOTHING_READ)
    return Pairs.of((one.name, one.value) for one in review.data_facts)


def drift(found: Sequence[Drift]) -> Figure:
    """Draws the features, the largest multiples of their limits first.

    Args:
        found: In that order, at least one.
    """
    largest = {one.feature: one for one in reversed(found) if one.limit > 0}
    drawn = [_bar(one) for one in found if largest.get(one.feature) is one][:_MOST_DRAWN]
    return Figure(
        picture=intervals(
            drawn,
            x="distance, as a multiple of its limit",
            label=f"Drift by feature as a multiple of its limit. {drift_here(found)}",
            level=1,
            bars=True,
            number_format=".1f",
        ),
        here=drift_here(found),
        shows="Distance between the distributions of a feature in two splits, as a multiple of its "
        f"limit. For each feature the largest distance is drawn, for at most {_MOST_DRAWN} "
        "features; "
        "the table has all.",
        good="All bars left of the dotted line at 1.",
        bad="A bar beyond it: the model scores values unlike those it was trained on. Check what "
        "changed in the business or in the data source.",
        table=Table.of(
            "Drift by feature, the largest multiple of its limit first",
            ("Feature", "Now", "Compared with", "Distance#", "Limit#", "Verdict"),
            map(_drift_row, found),
            folded=True,
        ),
    )


def drift_here(found: Sequence[Drift]) -> str:
    """Says which features are beyond their limits."""
    beyond = [f"{one.feature} ({one.now} against {one.base})" for one in found if _alarms(one)]
    count = numbers.counted(len(found), "comparison", "comparisons")
    if not beyond:
        return f"None of {count} exceeds its limit."
    exceed = "exceeds" if len(beyond) == 1 else "exceed"
    named = listed(beyond)
    return f"{numbers.count(len(beyond))} of {count} {exceed} the limit: {named}."


def _alarms(one: Drift) -> bool:
    return one.verdict in ALARMING


def _bar(one: Drift) -> Measured:
    tone = theme.WARN if _alarms(one) else theme.BASELINE
    return Measured(one.feature, Estimate(one.distance / one.limit), tone)


def _drift_row(one: Drift) -> Row:
    distance, limit = numbers.metric(one.distance), numbers.metric(one.limit)
    found = (one.feature, one.now, one.base, distance, limit, cells.verdict(one.verdict))
    return Row(found, WARN if _alarms(one) else "")


def failing_checks(review: Review, caption: str) -> Table | None:
    """Returns those that stopped the run, then those that warned; None if all is well.

    Args:
        review: The review.
        caption: Caption of the table.
    """
    found = [one for word in ALARMING for one in review.data_checks if one.verdict == word]
    if not found:
        return None
    return _check_table(caption, found)


def all_checks(review: Review) -> Table:
    """Returns all, in the order of the gate, folded away."""
    count = numbers.count(len(review.data_checks))
    return _check_table(f"All {count} data checks", review.data_checks, folded=True)


def _check_table(caption: str, checks: Iterable[Check], folded: bool = False) -> Table:
    return Table.of(caption, _COLUMNS, map(_check_row, checks), folded)


def _check_row(one: Check) -> Row:
    between = " against " if one.group in _COMPARING else ", "
    splits = between.join(one.splits) or "the run"
    name = Noted(one.name, one.message) if one.message else one.name
    shown = (name, splits, found_words(one.found), one.threshold, cells.verdict(one.verdict))
    return Row(shown, _MARKS.get(one.verdict, ""))


def found_words(found: Any) -> str:
    """Returns what a check found: a count, a measure, a word, or that there is none."""
    if found is None:
        return "\N{EN DASH}"
    if isinstance(found, bool) or not isinstance(found, int | float):
        return str(found)
    return numbers.count(found) if isinstance(found, int) else numbers.metric(found)
