"""Can the ground truth be trusted: do its ids name accounts, and does it still arrive?

`tens-insight db check` makes these checks too: what would stop a run is told before it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from components.data_checker.checks import Check, told, verdict_on
from components.data_checker.config import DataCheckerConfig
from components.data_checker.volume import VOLUME
from components.feedback_example_gen.config import FINAL
from components.registry.input_notes import told_spellings
from components.registry.input_properties import (
    CHURN,
    PUBLISHED,
    ChurnFacts,
    ExamplesProperties,
    IdFacts,
)
from components.verdicts import FAILED, SKIPPED

IDENTITY: Final = "identity"
TRUTH: Final = "truth"
FEWEST_ROWS: Final = 20
MOST_OF_ONE_DAY: Final = 0.3
"""Fraction of the churn rows: the last days of the months of a year have a twelfth each."""
MOST_WRITTEN_AFTER: Final = 0.2
"""Fraction of the churn rows: an account may come back, and few do."""
WRITTEN_AFTER: Final = "churn rows with feedback after them"
"""Name of the check that takes the most time; a sample may decide it."""
_SHOWN: Final = 3


def check_ground_truth(data: ExamplesProperties, limits: DataCheckerConfig) -> Iterator[Check]:
    """Yields whether ids are those of accounts, and whether churn is still recorded.

    Args:
        data: Properties of the Examples.
        limits: The thresholds.
    """
    is_final = data.rows_after_churn == FINAL
    yield from check_facts(data.truth.get(CHURN), data.known_ids.get(PUBLISHED), limits, is_final)


def check_facts(
    churn: ChurnFacts | None,
    accounts: IdFacts | None,
    limits: DataCheckerConfig,
    is_final: bool = False,
) -> Iterator[Check]:
    """Does what check_ground_truth does, before there are Examples.

    Args:
        churn: The table of churn dates; None where the label is inactivity.
        accounts: The accounts that were published last; None where they were not asked for.
        limits: The thresholds.
        is_final: Whether feedback after a churn date is an echo, as TENS_INSIGHT_ROWS_AFTER_CHURN
            says.
    """
    if churn is not None:
        yield _matching(churn, limits)
        yield _spelling(churn, limits)
        yield _age(churn)
        yield _holes(churn)
        yield _largest_day(churn)
        yield _written_after(churn, is_final)
    if accounts is not None:
        yield _lost(accounts, limits)
        yield _twice(accounts, limits)


def _matching(churn: ChurnFacts, limits: DataCheckerConfig) -> Check:
    name, most = "churn rows that match no account", limits.max_unmatched_churn_share
    if not churn.rows:
        return _check(IDENTITY, name, None, f"<= {most:g}", SKIPPED, "there are no churn rows")
    share = churn.rows_unmatched / churn.rows
    if churn.rows_unmatched == churn.rows:
        said = f"no churn row matches an account: none of the {churn.rows} ids is in the feedback"
    else:
        said = (
            f"{churn.rows_unmatched} of {churn.rows} churn rows match no account: {share:.1%}, at "
            f"most {most:.1%} may"
        )
    message = (
        f"{said}; accounts of these rows count as accounts that stayed. Correct the ids, or allow "
        "more where such accounts never gave feedback (TENS_INSIGHT_MAX_UNMATCHED_CHURN_SHARE)"
    )
    return _at_most(IDENTITY, name, share, most, message)


def _spelling(churn: ChurnFacts, limits: DataCheckerConfig) -> Check:
    name, most = "churn rows of another spelling", limits.max_misspelt_share
    if not churn.rows:
        return _check(IDENTITY, name, None, f"<= {most:g}", SKIPPED, "there are no churn rows")
    spellings = churn.spellings or ()
    rows = sum(found for _, found, _, _ in spellings)
    share = rows / churn.rows
    message = (
        f"{rows} of {churn.rows} churn rows would match an account in another spelling: "
        f"{told_spellings(spellings)}. Ids are compared byte for byte: correct the export "
        "(TENS_INSIGHT_MAX_MISSPELT_SHARE)"
    )
    return _at_most(IDENTITY, name, share, most, message)


def _age(churn: ChurnFacts) -> Check:
    name, limit = "days since the newest churn", churn.limit_days
    if churn.newest is None:
        empty = (
            "the churn table holds no churn between the oldest feedback and as_of: everybody would "
            "seem to have stayed. Check its export, or set TENS_INSIGHT_LABEL_SOURCE=inactivity"
        )
        return _check(TRUTH, name, None, "churn", FAILED, empty)
    if limit is None or churn.age_days is None:
        few = f"too few days with churn to know their rhythm: {churn.gaps} gaps"
        return _check(TRUTH, name, churn.age_days, "usual", SKIPPED, few)
    message = (
        f"the newest churn is {churn.age_days} days older than as_of, the longest of {churn.gaps} "
        f"gaps before had {churn.longest_gap_days} days, and {limit} are allowed: accounts that "
        f"left since {_day(churn.newest)} would be scored as if they had stayed, and no label "
        "looks beyond. Check the export of churn dates (TENS_INSIGHT_MAX_CHURN_AGE_DAYS)"
    )
    verdict = verdict_on(churn.age_days <= limit)
    return _check(TRUTH, name, churn.age_days, f"<= {limit}", verdict, message, limit)


def _holes(churn: ChurnFacts) -> Check:
    name = "intervals without churn"
    if churn.limit_days is None:
        return _check(VOLUME, name, None, "0", SKIPPED, "too few days with churn")
    holes = churn.holes or ()
    named = ", ".join(f"{_day(begin)} to {_day(end)}" for begin, end in holes[:_SHOWN])
    message = (
        f"the churn table holds no churn in {len(holes)} intervals that are longer than is usual: "
        f"{named}; no label looks there, but accounts that left in them count as customers since. "
        "Complete the export (TENS_INSIGHT_MAX_CHURN_AGE_DAYS)"
    )
    return _check(VOLUME, name, len(holes), "0", verdict_on(not holes), message, 0)


def _largest_day(churn: ChurnFacts) -> Check:
    name, threshold = "churn rows of one day", f"<= {MOST_OF_ONE_DAY:g}"
    if churn.rows < FEWEST_ROWS or churn.largest_day is None:
        few = f"too few: {churn.rows} churn rows of {FEWEST_ROWS} needed"
        return _check(VOLUME, name, None, threshold, SKIPPED, few)
    share = churn.largest_day_rows / churn.rows
    message = (
        f"{churn.largest_day_rows} of {churn.rows} churn rows are of {_day(churn.largest_day)}: if "
        "that is the day of an import, and not of the churns, labels are wrong. Check the dates"
    )
    return _at_most(VOLUME, name, share, MOST_OF_ONE_DAY, message)


def _written_after(churn: ChurnFacts, is_final: bool) -> Check:
    name, threshold = WRITTEN_AFTER, f"<= {MOST_WRITTEN_AFTER:g}"
    if churn.rows < FEWEST_ROWS:
        few = f"too few: {churn.rows} churn rows of {FEWEST_ROWS} needed"
        return _check(VOLUME, name, None, threshold, SKIPPED, few)
    if is_final:
        echo = "such feedback is an echo (TENS_INSIGHT_ROWS_AFTER_CHURN)"
        return _check(VOLUME, name, None, threshold, SKIPPED, echo)
    share = churn.rows_written_after / churn.rows
    message = (
        f"{churn.rows_written_after} of {churn.rows} churn rows have feedback of the account after "
        "their date: it counts as come back, and is scored. Check that the dates are those on "
        "which accounts left, or, where such feedback is an echo, set "
        "TENS_INSIGHT_ROWS_AFTER_CHURN=final"
    )
    return _at_most(VOLUME, name, share, MOST_WRITTEN_AFTER, message)


def _lost(accounts: IdFacts, limits: DataCheckerConfig) -> Check:
    name, most = "published accounts without feedback", limits.max_lost_accounts_share
    if not accounts.ids or accounts.unmatched is None:
        none = "not compared: no earlier run has published"
        return _check(IDENTITY, name, None, f"<= {most:g}", SKIPPED, none)
    share = accounts.unmatched / accounts.ids
    if accounts.unmatched == accounts.ids:
        said = (
            f"all accounts are new: none of the {accounts.ids} accounts that were published last "
            "has any feedback"
        )
    else:
        said = (
            f"{accounts.unmatched} of the {accounts.ids} accounts that were published last have no "
            f"feedback any more: {share:.1%}, at most {most:.1%} may"
        )
    if accounts.spellings:
        said += (
            f"; ids of today are the same in another spelling: {told_spellings(accounts.spellings)}"
        )
    message = (
        f"{said}. Check what became of the ids; where they are meant to be new, let one run pass "
        "(TENS_INSIGHT_MAX_LOST_ACCOUNTS_SHARE=1)"
    )
    return _at_most(IDENTITY, name, share, most, message)


def _twice(accounts: IdFacts, limits: DataCheckerConfig) -> Check:
    name, most = "published accounts that come twice", limits.max_misspelt_share
    if not accounts.ids:
        none = "not compared: no earlier run has published"
        return _check(IDENTITY, name, None, f"<= {most:g}", SKIPPED, none)
    twice = accounts.twice or ()
    count = sum(found for _, found, _, _ in twice)
    share = count / accounts.ids
    message = (
        f"{count} accounts are newer than the last publication and would be one of its "
        f"{accounts.ids} accounts in another spelling: {told_spellings(twice)}. Ids are compared "
        "byte for byte: an account that goes on under another id looks silent. Correct what "
        "writes them (TENS_INSIGHT_MAX_MISSPELT_SHARE)"
    )
    return _at_most(IDENTITY, name, share, most, message)


def _day(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d}"


def _at_most(group: str, name: str, share: float, most: float, message: str) -> Check:
    verdict = verdict_on(share <= most)
    return _check(group, name, round(share, 6), f"<= {most:g}", verdict, message, most)


def _check(
    group: str,
    name: str,
    found: float | None,
    threshold: str,
    verdict: str,
    why: str,
    high: float | None = None,
) -> Check:
    message = told(name, verdict, why)
    return Check(name, group, (), found, threshold, verdict, message, high=high)
