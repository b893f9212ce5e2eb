"""Artifact types of our own in ML Metadata."""

from tfx.types.artifact import Artifact


class DataGateDecision(Artifact):
    """decision.json: every check of the data gate with its bar, value and verdict."""

    TYPE_NAME = "TensInsightDataGateDecision"


class PublishedScores(Artifact):
    """The scores of a run as Parquet shards; properties say what was published."""

    TYPE_NAME = "TensInsightPublishedScores"


class AreaCounts(Artifact):
    """area_counts.json: feedback counted by product area and segment, in the run's snapshot."""

    TYPE_NAME = "TensInsightAreaCounts"


class PublishedAreas(Artifact):
    """area_impacts.json: scores and contributions; properties say what was published."""

    TYPE_NAME = "TensInsightPublishedAreas"


class ModelReview(Artifact):
    """review.html, the evaluation report of a run, and review.json, the same numbers."""

    TYPE_NAME = "TensInsightModelReview"
