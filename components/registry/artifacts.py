"""Artifact types of our own in ML Metadata."""

from tfx.types.artifact import Artifact

from components.registry import artifact_names


class DataGateDecision(Artifact):
    """decision.json: every check of the data gate with its threshold, value and verdict."""

    TYPE_NAME = artifact_names.DATA_GATE_DECISION


class PublishedScores(Artifact):
    """The scores of a run as Parquet shards; properties say what was published."""

    TYPE_NAME = artifact_names.PUBLISHED_SCORES


class RecordedOutcomes(Artifact):
    """outcomes.json: the windows that a run measured; properties say what was recorded."""

    TYPE_NAME = artifact_names.RECORDED_OUTCOMES


class AreaCounts(Artifact):
    """area_counts.json: feedback counted by product area and segment, in the run's snapshot."""

    TYPE_NAME = artifact_names.AREA_COUNTS


class PublishedAreas(Artifact):
    """area_impacts.json: scores and contributions; properties say what was published."""

    TYPE_NAME = artifact_names.PUBLISHED_AREAS


class ModelReview(Artifact):
    """review.html, the evaluation report of a run, and review.json, the same numbers."""

    TYPE_NAME = artifact_names.MODEL_REVIEW


class Monitoring(Artifact):
    """What Monitor noticed about a publication; its rows are in the database."""

    TYPE_NAME = artifact_names.MONITORING


class ModelSplit(Artifact):
    """The decision that two models share the accounts: properties say which, and how."""

    TYPE_NAME = artifact_names.STAGE_TRANSITION
