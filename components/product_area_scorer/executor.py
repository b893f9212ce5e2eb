"""The work of ProductAreaScorer: apply the rule, then publish in one transaction."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.config import read_config
from components.feedback_example_gen.counted_areas import read_counted_areas
from components.feedback_example_gen.reading.area_counts import AreaCounts, require_sound
from components.postgres.tables import PRODUCT_AREA_IMPACT
from components.product_area_scorer.config import ProductAreaScorerConfig
from components.product_area_scorer.impact_file import FILE, ExplainedAreas, impacts_as_json
from components.publishing.publication import NO_LABEL, Publication, Published, PublishPolicy
from components.publishing.publish import publish
from components.registry.published_properties import PublishedAreasProperties
from transforms.product_area_impact import AreaImpact, Weights, area_impacts

Artifacts = dict[str, list[types.Artifact]]
Row = tuple[str, str, float, int, float, int, int, datetime, str]


class Executor(base_executor.BaseExecutor):
    """Scores the pairs of the run's snapshot and publishes the rows."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - area_counts: AreaCounts of FeedbackExampleGen.
            output_dict:
                - areas: PublishedAreas.
            exec_properties: As component.py declares.

        Raises:
            DataGateStopped: Feedback in the window breaks the contract.
            PublicationRefused: A check failed, or another run is newer or at work.
            DatabaseUnreachable: No connection, or lost for good.
            ContractBroken: The output table or a privilege is missing.
            ConfigInvalid: The config lacks a setting, or holds a wrong value.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        counts = read_counted_areas(artifact_utils.get_single_instance(input_dict["area_counts"]))
        require_sound(counts)
        areas = artifact_utils.get_single_instance(output_dict["areas"])
        config = read_config(ProductAreaScorerConfig, exec_properties)
        weights = config.weights
        impacts = area_impacts(counts.pairs, weights, config.enterprise_segments)
        segments = config.enterprise_segments
        explained = ExplainedAreas(counts.as_of, counts.window, weights, segments, tuple(impacts))
        _write(areas.uri, explained)
        if not impacts and config.areas_empty_window == "keep":
            properties(counts, weights, not_published=_empty(counts)).write(areas)
            return
        run_id = (self._context.pipeline_run_id if self._context else None) or ""
        publication = Publication(
            as_of=counts.as_of,
            model_version=weights.version(),
            label_source=NO_LABEL,
            run_id=run_id,
            expected_rows=len(impacts),
        )
        published = publish(
            PRODUCT_AREA_IMPACT,
            lambda: _rows(impacts, publication),
            publication=publication,
            policy=_policy(config, empty=not impacts),
        )
        properties(counts, weights, published).write(areas)


def _policy(config: ProductAreaScorerConfig, *, empty: bool) -> PublishPolicy:
    return PublishPolicy(
        config,
        # An empty window that is meant leaves nothing, whatever is done with single pairs.
        remove_departed=config.vanished_areas == "remove" or empty,
        allow_empty=config.areas_empty_window == "clear",
    )


def _rows(impacts: list[AreaImpact], publication: Publication) -> Iterator[Row]:
    for impact in impacts:
        counts = impact.counts
        yield (
            counts.product_area,
            counts.segment,
            impact.priority_score,
            counts.feedback,
            counts.avg_sentiment_score,
            counts.negative,
            counts.critical,
            publication.as_of,
            publication.model_version,
        )


def _write(folder: str, explained: ExplainedAreas) -> None:
    fileio.makedirs(folder)
    with fileio.open(os.path.join(folder, FILE), "w") as file:
        file.write(impacts_as_json(explained))


def _empty(counts: AreaCounts) -> str:
    reason = (
        f"no feedback in the {counts.window.days} days before {counts.as_of:%Y-%m-%d %H:%M} UTC, "
        "so product_area_impact is as it was; TENS_INSIGHT_AREAS_EMPTY_WINDOW=clear would empty it"
    )
    logging.warning("Product areas: %s", reason)
    return reason


def properties(
    counts: AreaCounts,
    weights: Weights,
    published: Published | None = None,
    not_published: str | None = None,
) -> PublishedAreasProperties:
    """Returns what the artifact says of itself.

    Args:
        counts: As read inside the run's database snapshot.
        weights: Of the rule.
        published: What came of the publication; None if nothing was published.
        not_published: Why nothing was.
    """
    return PublishedAreasProperties(
        as_of=counts.as_of.isoformat(),
        weights_version=weights.version(),
        window_days=counts.window.days,
        rows=sum(pair.feedback for pair in counts.pairs),
        unnamed_rows=counts.unnamed_rows,
        published_count=published.written if published else 0,
        removed_count=published.removed if published else 0,
        published_at=published.published_at.isoformat() if published else None,
        publication_id=published.publication_id if published else None,
        not_published=not_published,
    )
