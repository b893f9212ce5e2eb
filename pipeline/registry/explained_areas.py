"""Finds what the scores of the published product areas are made of, as their run wrote it down."""

from datetime import datetime
from pathlib import Path
from typing import Final

from components.product_area_scorer.impact_file import FILE, ExplainedAreas, impacts_from_json
from components.publishing.area_history import AreaPublication
from components.registry.artifact_names import PUBLISHED_AREAS
from components.registry.published_properties import PublishedAreasProperties
from pipeline.registry.registry import Registry

_OTHERWISE: Final = "`tens-insight areas` counts the feedback again and shows it"


def find_explained(registry: Registry, published: AreaPublication) -> ExplainedAreas | str:
    """Returns the scores of a publication with their parts; or why they are not known, in words.

    Args:
        registry: Where the run's artifacts are recorded.
        published: The publication.
    """
    for artifact in reversed(registry.live(PUBLISHED_AREAS)):
        said = PublishedAreasProperties.read_if_written(artifact)
        if said is not None and _is_of(said, published):
            return _read(str(artifact.uri))
    return f"No artifact of this publication is recorded here; {_OTHERWISE}."


def _is_of(said: PublishedAreasProperties, published: AreaPublication) -> bool:
    return (
        said.publication_id == published.publication_id
        and said.weights_version == published.model_version
        and datetime.fromisoformat(said.as_of) == published.as_of
    )


def _read(uri: str) -> ExplainedAreas | str:
    if "://" in uri:
        return f"{FILE} lies in {uri}, which this server does not read; {_OTHERWISE}."
    try:
        return impacts_from_json(Path(uri, FILE).read_text(encoding="utf-8"))
    except OSError:
        return f"{FILE} of the run is gone; {_OTHERWISE}."
    except ValueError:
        return f"{FILE} of the run cannot be read; {_OTHERWISE}."
