"""Artifact types of our own in ML Metadata."""

from tfx.types.artifact import Artifact


class DataGateDecision(Artifact):
    """decision.json: every check of the data gate with its bar, value and verdict."""

    TYPE_NAME = "TensInsightDataGateDecision"


class PublishedScores(Artifact):
    """The scores of a run as Parquet shards; properties say what was published."""

    TYPE_NAME = "TensInsightPublishedScores"
