"""Looks into TFDV's statistics: features, words, numbers, how many accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import statistics_pb2

from transforms.event_spec import ACCOUNT_ID

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatisticsList
Feature: TypeAlias = statistics_pb2.FeatureNameStatistics


def features(statistics: Statistics) -> dict[str, Feature]:
    """Returns the features of the one data set by name; none where there is no example."""
    if not statistics.datasets:
        return {}
    return {".".join(one.path.step): one for one in statistics.datasets[0].features}


def common_stats(feature: Feature) -> statistics_pb2.CommonStatistics:
    """Returns the counts that strings and numbers have in common."""
    kind = feature.string_stats if feature.HasField("string_stats") else feature.num_stats
    return kind.common_stats


def accounts(statistics: Statistics) -> int:
    """Returns how many accounts there are: one has an example at every training cutoff."""
    found = features(statistics).get(ACCOUNT_ID)
    return int(found.string_stats.unique) if found is not None else 0


@dataclass(frozen=True)
class ValueCounts:
    """The words of a string feature.

    Attributes:
        counts: How often each listed word occurs.
        total: All values, listed or not.
        unique: How many words there are; TFDV lists the most frequent ones, 1,000 by default.
    """

    counts: Mapping[str, float]
    total: int
    unique: int

    @classmethod
    def of(cls, feature: Feature) -> "ValueCounts":
        """Reads the rank histogram."""
        stats = feature.string_stats
        buckets = stats.rank_histogram.buckets
        return cls(
            counts={bucket.label: bucket.sample_count for bucket in buckets},
            total=int(stats.common_stats.tot_num_values),
            unique=int(stats.unique),
        )

    def share(self, word: str) -> float:
        """Returns the share of a word among all values, 0..1."""
        return self.counts.get(word, 0.0) / self.total if self.total else 0.0

    @property
    def complete(self) -> bool:
        """Whether every word is listed; where not, TFDV's counts are estimates, too."""
        return self.unique <= len(self.counts)
