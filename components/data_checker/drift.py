"""How far two splits lie apart, feature by feature, as TFDV's comparators measure it.

The measures and thresholds are those of the curated schema: the L-infinity norm of the
shares of words, and the Jensen-Shannon divergence of the histograms of numbers
(Breck et al., Data Validation for Machine Learning, MLSys 2019).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_checker.checks import Check
from components.data_checker.config import DataCheckerConfig
from components.data_checker.pairs import SKEW, Pair, too_few, too_few_values
from components.data_checker.statistics import Statistics, ValueCounts, features
from components.verdicts import FAILED, PASSED, SKIPPED


@dataclass(frozen=True)
class Measurement:
    """One feature of one pair: the value, and the threshold of the schema."""

    feature: str
    value: float
    threshold: float


def measure(
    pair: Pair, base: Statistics, split: Statistics, schema: schema_pb2.Schema
) -> Iterator[Measurement]:
    """Yields every measurement of a pair, also those under their thresholds.

    Args:
        pair: Which comparators of the schema apply: drift or skew.
        base: Statistics of what was before, or was learnt from.
        split: Statistics of what is compared with it.
        schema: With the comparators.
    """
    if pair.group == SKEW:
        anomalies = tfdv.validate_statistics(base, schema, serving_statistics=split)
    else:
        anomalies = tfdv.validate_statistics(split, schema, previous_statistics=base)
    for info in anomalies.drift_skew_info:
        found = info.skew_measurements if pair.group == SKEW else info.drift_measurements
        for one in found:
            yield Measurement(".".join(info.path.step), one.value, one.threshold)


def check_drift(
    pair: Pair,
    base: Statistics,
    split: Statistics,
    schema: schema_pb2.Schema,
    limits: DataCheckerConfig,
) -> Iterator[Check]:
    """Yields one check for each feature with a comparator.

    Args:
        pair: What is compared.
        base: Its statistics; those of a training run where a scoring run has none itself.
        split: Statistics of the split.
        schema: With the comparators and their thresholds.
        limits: Below `min_drift_accounts` accounts, or values, on either side nothing
            raises an alarm.
    """
    few = too_few(pair, base, split, limits)
    measured = {one.feature: one for one in measure(pair, base, split, schema)}
    for feature in schema.feature:
        if not feature.HasField(f"{pair.group}_comparator"):
            continue
        one = measured.get(feature.name)
        if one is None:
            yield _check(pair, feature.name, None, SKIPPED, "not measured")
        elif why := few or too_few_values(pair, feature.name, base, split, limits):
            yield _check(pair, feature.name, one, SKIPPED, why)
        elif one.value <= one.threshold:
            yield _check(pair, feature.name, one, PASSED, "")
        else:
            yield _check(pair, feature.name, one, FAILED, _what_moved(one, base, split))


def _check(pair: Pair, feature: str, one: Measurement | None, verdict: str, why: str) -> Check:
    threshold = f"<= {one.threshold:g}" if one else "measured"
    message = why
    if verdict == FAILED and one:
        message = (
            f"{feature} in {pair.split} is {one.value:.3f} away from {pair.base}, at most "
            f"{one.threshold:g} is usual: {why} (transforms/schema/schema.pbtxt)"
        )
    elif why:
        message = f"{pair.name}: {feature}: {why}"
    return Check(
        name=f"{pair.name}: {feature}",
        group=pair.group,
        splits=(pair.split, pair.base),
        found=round(one.value, 6) if one else None,
        threshold=threshold,
        verdict=verdict,
        message=message,
        high=one.threshold if one else None,
    )


def _what_moved(one: Measurement, base: Statistics, split: Statistics) -> str:
    before, now = features(base)[one.feature], features(split)[one.feature]
    if now.HasField("string_stats"):
        old, new = ValueCounts.of(before), ValueCounts.of(now)
        words = sorted(old.counts.keys() | new.counts.keys())
        word = max(words, key=lambda word: abs(new.share(word) - old.share(word)))
        return f"the share of {word!r} was {old.share(word):.1%} and is {new.share(word):.1%}"
    old_stats, new_stats = before.num_stats, now.num_stats
    return (
        f"the mean was {old_stats.mean:.3g} and is {new_stats.mean:.3g}, "
        f"the median was {old_stats.median:.3g} and is {new_stats.median:.3g}"
    )
