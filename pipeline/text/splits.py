"""Prints the split of accounts between two models, and what came of it."""

import math
from collections.abc import Iterator

from components.publishing.split import share_text
from components.shadow.split_result import RecordedSplit, SplitResult
from pipeline.registry.splits import Splits
from pipeline.text.plain_text import NONE, table_lines, transition_text
from serving_model.evaluation.arms import MISMATCH, Arms
from serving_model.evaluation.performance import Estimate


def split_lines(found: Splits) -> Iterator[str]:
    """Yields which split lasts, and how the accounts were divided by the newest."""
    if (lasting := found.lasting) is None:
        yield "No split lasts: the champion scores all accounts."
    else:
        yield (
            f"Split {lasting.number}: {lasting.version} scores {share_text(1 - lasting.share)} of "
            f"the accounts, {lasting.other} {share_text(lasting.share)}"
        )
        yield transition_text(lasting)
    if found.not_divided:
        yield f"Not divided now: {found.not_divided}."
    if found.recorded:
        yield ""
        yield from _recorded(found.recorded[0])


def result_lines(found: Splits) -> Iterator[str]:
    """Yields what came of the newest split by which anything was published."""
    if not found.recorded:
        yield "Nothing was published by a split yet."
        return
    split, result = found.recorded[0], found.result
    yield from _recorded(split)
    yield ""
    if result is None:
        yield (
            f"No window has closed yet: the first one does {split.horizon_days} days after "
            f"{split.first_as_of:%Y-%m-%d}, and is read once the ground truth is known that far."
        )
        return
    yield from _result(result)


def _recorded(split: RecordedSplit) -> Iterator[str]:
    yield (
        f"Split {split.number}, {split.publications} publications as of "
        f"{split.first_as_of:%Y-%m-%d} to {split.last_as_of:%Y-%m-%d}"
    )
    yield f"a  {split.a}, {split.accounts_a} accounts in the newest"
    wanted = share_text(split.share)
    yield f"b  {split.b}, {split.accounts_b} accounts in the newest, {wanted} wanted"
    if split.mismatch < MISMATCH:
        yield (
            f"These sizes are no accident (chance {split.mismatch:.1g}): nothing can be concluded."
        )


def _result(result: SplitResult) -> Iterator[str]:
    first, second = result.accounts
    yield (
        f"Accounts with a known outcome, each once: {first} of a, {second} of b; within "
        f"{result.split.horizon_days} days"
    )
    head = ("", "a", "b", "b - a", "95 % interval")
    rows = [
        ("left", result.left),
        ("above low", result.flagged),
        ("of these left", result.precision),
        *((("acted upon", result.acted),) if result.acted is not None else ()),
    ]
    yield from table_lines([head, *(_cells(name, arms) for name, arms in rows)])
    yield ""
    test, scale = result.sequential, result.scale
    yield (
        f"However often one looks, b less a lies in [{-test.high / scale:+.4f}, "
        f"{-test.low / scale:+.4f}] (95 %, {test.windows} windows)"
    )
    yield f"Verdict: {result.verdict}."


def _cells(name: str, arms: Arms) -> tuple[str, ...]:
    difference = arms.difference
    if math.isnan(difference.value):
        return name, _share(arms.first), _share(arms.second), NONE, NONE
    ends = f"[{difference.low:+.4f}, {difference.high:+.4f}]"
    return name, _share(arms.first), _share(arms.second), f"{difference.value:+.4f}", ends


def _share(share: Estimate) -> str:
    return NONE if math.isnan(share.value) else f"{share.value:.4f}"
