"""Finds the evaluation reports of runs, as ML Metadata knows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import ReportNotFound, UnknownModel
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
        version: Of the model, or a beginning that no other has; None for whatever run was the last.

    Raises:
        ReportNotFound: There is none, or its files are gone; says what to do.
    """
    reviews = registry.reviews()
    if not reviews:
        raise ReportNotFound(
            "No training run has written an evaluation report yet; `tens-insight run train` does."
        )
    if version is not None:
        version = _named(version, reviews)
    found = next(one for one in reviews if version in (None, one.properties.model_version))
    said = found.properties
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


def _named(version: str, reviews: Sequence[Artifact[ReviewProperties]]) -> str:
    """Returns the version of a report that a name, or a beginning of one, means."""
    from components.registry.versions import full_version

    found = (one.properties.model_version for one in reviews)
    known = list(dict.fromkeys(one for one in found if one))
    try:
        return full_version(version, known)
    except UnknownModel as unknown:
        said = f"There is no evaluation report of a model {version!r}. {unknown}"
        raise ReportNotFound(said) from None
