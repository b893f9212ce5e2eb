"""Values that train does not know, and values that are not there.

They are the raw ones, as the statistics list them.
"""

from collections.abc import Iterator
from typing import Final

from components.data_checker.checks import Check, verdict_on
from components.data_checker.config import DataCheckerConfig
from components.data_checker.pairs import Pair, too_few, too_few_values
from components.data_checker.statistics import (
    Feature,
    Statistics,
    ValueCounts,
    common_stats,
    features,
)
from components.feedback_example_gen.cutoffs import EVAL, SCORE, TRAIN
from components.verdicts import FAILED, PASSED, SKIPPED
from transforms import event_spec
from transforms.columns import CATEGORIES, OPEN_SETS

UNSEEN: Final = "unseen"
MISSING: Final = "missing"
UNSEEN_PAIRS: Final = (Pair(UNSEEN, EVAL, TRAIN), Pair(UNSEEN, SCORE, TRAIN))
_SHOWN: Final = 3
_MAY_BE_MISSING: Final = (
    *event_spec.SCALAR_FLOATS,
    *(column.feature for column in CATEGORIES),
)


def check_unseen(
    pair: Pair, base: Statistics, split: Statistics, limits: DataCheckerConfig
) -> Iterator[Check]:
    """Yields the share of values in a split whose word the base does not have.

    Of very many words the statistics list the most frequent ones only: where a word may be
    known although it is not listed, or be there although it is not, the check is skipped.
    Blank words are missing values, not unseen ones.

    Args:
        pair: What is compared.
        base: Statistics of what was learnt from.
        split: Statistics of the split.
        limits: The threshold, and the fewest accounts.
    """
    few = too_few(pair, base, split, limits)
    known, found = features(base), features(split)
    for name in (column.feature for column in OPEN_SETS):
        if name not in known or name not in found:
            why = "not compared: no value in a split"
            yield _unseen(pair, name, None, limits, SKIPPED, why)
            continue
        old, new = ValueCounts.of(known[name]), ValueCounts.of(found[name])
        words = [word for word in new.counts if word.strip() and word not in old.counts]
        unseen = sorted(words, key=lambda word: (-new.counts[word], word))
        share = sum((new.share(word) for word in unseen), 0.0)
        shown = ", ".join(repr(word) for word in unseen[:_SHOWN])
        shown += f" and {len(unseen) - _SHOWN} more" if len(unseen) > _SHOWN else ""
        verdict, why = _judge(share, old, new, limits.max_unseen_share)
        if skip := few or too_few_values(pair, name, base, split, limits):
            verdict, why = SKIPPED, skip
        yield _unseen(pair, name, share, limits, verdict, why or shown)


def known_words(learnt: Statistics) -> dict[str, frozenset[str]]:
    """Returns the words that training has, by the name of the feature.

    A column of which the statistics do not list all words is left out: of a word that is not
    listed nobody can say whether it was there.
    """
    found, known = features(learnt), {}
    for name in (column.feature for column in CATEGORIES):
        if name in found and (values := ValueCounts.of(found[name])).complete:
            known[name] = frozenset(values.counts)
    return known


def _judge(share: float, old: ValueCounts, new: ValueCounts, most: float) -> tuple[str, str]:
    if share > most and old.complete:
        return FAILED, ""
    if share <= most and new.complete:
        return PASSED, ""
    listed = max(len(old.counts), len(new.counts))
    unique = max(old.unique, new.unique)
    return SKIPPED, f"cannot be told: the statistics list {listed} of {unique} words"


def _unseen(
    pair: Pair, name: str, share: float | None, limits: DataCheckerConfig, verdict: str, why: str
) -> Check:
    message = f"{pair.name}: {name}: {why}"
    if verdict == FAILED and share is not None:
        message = (
            f"{share:.1%} of {name} in {pair.split} do not occur in {pair.base}, at most "
            f"{limits.max_unseen_share:.1%} may: {why} (TENS_INSIGHT_MAX_UNSEEN_SHARE)"
        )
    return Check(
        name=f"{pair.split}: unseen {name}",
        group=UNSEEN,
        splits=(pair.split, pair.base),
        found=None if share is None else round(share, 6),
        threshold=f"<= {limits.max_unseen_share:g}",
        verdict=verdict,
        message="" if verdict == PASSED else message,
        high=limits.max_unseen_share,
    )


def check_missing(split: str, statistics: Statistics, limits: DataCheckerConfig) -> Iterator[Check]:
    """Yields the share of missing or empty values of each feature of a split.

    An empty event list is an account that was silent in the lookback: a state, not a
    missing value. Within the lists, and of tier and region, a blank word counts as missing.
    """
    found = features(statistics)
    for name in _MAY_BE_MISSING:
        share = _missing_share(found[name], name) if name in found else 1.0
        passed = share <= limits.max_missing_share
        message = (
            f"{share:.1%} of {name} in the split {split} are missing or empty, at most "
            f"{limits.max_missing_share:.1%} may be; check what the ETL writes "
            "(TENS_INSIGHT_MAX_MISSING_SHARE)"
        )
        yield Check(
            name=f"{split}: missing {name}",
            group=MISSING,
            splits=(split,),
            found=round(share, 6),
            threshold=f"<= {limits.max_missing_share:g}",
            verdict=verdict_on(passed),
            message="" if passed else message,
            high=limits.max_missing_share,
        )


def _missing_share(feature: Feature, name: str) -> float:
    stats = common_stats(feature)
    values, examples = stats.tot_num_values, stats.num_missing + stats.num_non_missing
    absent = 0 if name in event_spec.EVENT_LISTS else examples - values
    total = values + absent
    if feature.HasField("string_stats"):
        counts = ValueCounts.of(feature).counts
        absent += sum(count for word, count in counts.items() if not word.strip())
    return float(absent / total) if total else 0.0
