"""How many accounts each model of a split scored, and whether that is as it should be."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from components.publishing.split import Split, share_text
from serving_model.evaluation.arms import MISMATCH, mismatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitSizes:
    """What is told of a split: its sizes in a sentence, empty without one; what is wrong."""

    sentence: str = ""
    notes: tuple[str, ...] = ()


def split_sizes(split: Split | None, models: Sequence[str] | None) -> SplitSizes:
    """Counts the accounts of each model, and compares them with the share that was wanted.

    Args:
        split: By which they were scored; None without one.
        models: Which model scored each account, [n].
    """
    if split is None or models is None:
        return SplitSizes()
    second, accounts = sum(one == split.b for one in models), len(models)
    chance = mismatch(second, accounts, split.share)
    sentence = (
        f"split {split.number}: {accounts - second} accounts by {split.a}, {second} by {split.b}, "
        f"which is to score {share_text(split.share)}"
    )
    if chance >= MISMATCH:
        return SplitSizes(sentence)
    note = (
        f"The sizes of split {split.number} are no accident: {second} of {accounts} accounts were "
        f"scored by {split.b}, {accounts * split.share:.0f} were to be (chance {chance:.1g}). "
        "Nothing can be concluded from it: end it (`tens-insight models split --end`) and begin "
        "another."
    )
    _log.warning("%s", note)
    return SplitSizes(sentence, (note,))
