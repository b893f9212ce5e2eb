"""What changed? Volume, drift and settings, and what the data gate said."""

from typing import Final

from components.model_review.page import numbers, words
from components.model_review.page.blocks import Absent, Block, Pairs, Part, Section, Table, Text
from components.model_review.page.found import absent
from components.model_review.page.sections.data_gate import ALARMING, all_checks, failing_checks
from components.model_review.page.sections.drift import drift
from components.model_review.review import Review
from components.model_review.run_sections import Change, Changes

_NOTHING_READ: Final = "The run read nothing."
_NOTHING: Final = Changes((), (), (), None, "")


def what_changed(review: Review) -> Section:
    """Returns the section."""
    found = review.changes or _NOTHING
    parts = (
        Part("Volume", (_volume(review, found),)),
        Part("Drift, feature by feature", (_drift(found),)),
        Part("Settings, against the champion's", (_settings(found),)),
        Part("What the data gate checked", _checks(review)),
        Part("What was read", (_facts(review),)),
    )
    return Section("changed", "What changed?", changed_here(review), parts)


def changed_here(review: Review) -> str:
    """Says how many checks of the data gate passed, and which gave an alarm."""
    if not review.data_checks:
        return "The data gate checked nothing in this run."
    alarming = [one for one in review.data_checks if one.verdict in ALARMING]
    passed = sum(one.verdict == "passed" for one in review.data_checks)
    said = f"Here {numbers.counted(passed, 'check', 'checks')} of the data passed"
    if not alarming:
        return f"{said}, and none gave an alarm."
    named = words.listed([one.name for one in alarming])
    return f"{said}, and {numbers.count(len(alarming))} did not: {named}."


def _volume(review: Review, found: Changes) -> Block:
    if not review.data_facts:
        return absent(review, "data_facts", _NOTHING_READ)
    if not found.volume:
        return Absent("Nothing was published before, so there is nothing to compare with.")
    since = f"Now, and at the last publication as of {numbers.moment(found.since)}"
    return changes_table(since if found.since else "Before and now", found.volume)


def _drift(found: Changes) -> Block:
    if not found.drift:
        return Absent("No feature was measured in two splits: the checks below say why.")
    return drift(found.drift)


def _settings(found: Changes) -> Block:
    if found.champion_version is None:
        return Absent("The run did not come to be compared with a champion, or there was none.")
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
