"""Finds the evaluation reports of runs, as ML Metadata knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import ReportNotFound, did_you_mean
from components.registry.artifact_names import REVIEW_HTML, REVIEW_JSON
from components.registry.model_properties import ReviewProperties
from pipeline.registry.registry import Artifact, Registry, RunArtifacts


@dataclass(frozen=True)
class Report:
    """One evaluation report.

    Attributes:
        html: The file for people.
        json: The same numbers.
        outcome: What became of the run.
        model_version: Of the challenger; empty where the run came to none.
        as_of: The run's now, ISO 8601 UTC; empty where not even reading came to its end.
    """

    html: Path
    json: Path
    outcome: str
    model_version: str
    as_of: str


def report_of(artifacts: RunArtifacts) -> str | None:
    """Returns the path of a run's report, if the run wrote one.

    Args:
        artifacts: Of the run.
    """
    review = artifacts.newest(ReviewProperties)
    return str(Path(review.uri, REVIEW_HTML)) if review else None


def copy_problem_of(artifacts: RunArtifacts) -> str | None:
    """Returns why the copy that TENS_INSIGHT_REVIEW_DIR asks for was not written, if so.

    Args:
        artifacts: Of the run.
    """
    review = artifacts.newest(ReviewProperties)
    return review.properties.copy_problem if review else None


def find_report(registry: Registry, version: str | None) -> Report:
    """Returns the newest report, or the newest of a model.

    Args:
        registry: Where the reports are recorded.
        version: Of the model; None for whatever run was the last.

    Raises:
        ReportNotFound: There is none, or its files are gone; says what to do.
    """
    reviews = registry.reviews()
    if not reviews:
        raise ReportNotFound(
            "No training run has written an evaluation report yet; `tens-insight run train` does."
        )
    chosen = [one for one in reviews if version in (None, one.properties.model_version)]
    if not chosen:
        raise ReportNotFound(_unknown(version or "", reviews))
    found, said = chosen[0], chosen[0].properties
    report = Report(
        html=Path(found.uri, REVIEW_HTML),
        json=Path(found.uri, REVIEW_JSON),
        outcome=said.outcome,
        model_version=said.model_version or "",
        as_of=said.as_of or "",
    )
    for path in (report.html, report.json):
        if not path.is_file():
            raise ReportNotFound(
                f"The evaluation report {path} is recorded, but the file is gone. A copy lies in "
                "TENS_INSIGHT_REVIEW_DIR, if that was set; `tens-insight run train` writes a new "
                "report."
            )
    return report


def _unknown(version: str, reviews: Sequence[Artifact[ReviewProperties]]) -> str:
    known = [one.properties.model_version for one in reviews if one.properties.model_version]
    hint = did_you_mean(version, known)
    return (
        f"There is no evaluation report of a model {version!r}.{hint} `tens-insight models list` "
        "shows all models."
    )
