"""The work of AccountScorer: score in Beam, then publish in one transaction."""

import os
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.account_scorer.bands import bands_for, describe_bands
from components.account_scorer.champion import require_champion, require_fit
from components.account_scorer.inference import score_files
from components.account_scorer.rows import detail_rows, scored_accounts
from components.account_scorer.unseen_words import describe_unseen_words
from components.beam_errors import original_error
from components.feedback_example_gen.cutoffs import SCORE
from components.feedback_example_gen.properties import AS_OF, FEEDBACK_ROWS
from components.postgres.tables import ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publish import publish
from components.registry import artifact_facts
from serving_model.served.predict import ModelScorer

Artifacts = dict[str, list[types.Artifact]]

PUBLICATION_ID: Final = "publication_id"
PUBLISHED_COUNT: Final = "published_count"
REMOVED_COUNT: Final = "removed_count"
MEAN_PROBABILITY: Final = "mean_probability"
PUBLISHED_AT: Final = "published_at"
CATEGORY_PREFIX: Final = "category_"
HAS_REASONS: Final = "has_reasons"
"""1 where the model gives reasons, 0 where it was trained before models did."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Scores the `score` split with the champion and publishes the rows."""

    def Do(
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples with a split `score`.
                - model: The champion; absent where no model was ever blessed.
            output_dict:
                - scores: PublishedScores.
            exec_properties: As component.py declares.

        Raises:
            NothingToPublish: There is no champion, or it does not fit the Examples or the
                risk bands.
            PublicationRefused: A check failed, or another run is newer or at work.
            DatabaseUnreachable: No connection, or lost for good.
            ContractBroken: The output table or a privilege is missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        facts = artifact_facts.custom_properties(examples)
        model = require_champion(input_dict.get("model") or [])
        model_uri = path_utils.serving_model_path(model.uri)
        scorer = ModelScorer(model_uri)
        card = scorer.card
        require_fit(card, facts)
        scores = artifact_utils.get_single_instance(output_dict["scores"])
        fileio.makedirs(scores.uri)
        bands = bands_for(exec_properties["risk_bands"], card)
        self._score(examples, model_uri, scores.uri)
        publication = Publication(
            as_of=datetime.fromisoformat(facts[AS_OF]),
            model_version=str(card["model_version"]),
            label_source=str(card["label_source"]),
            run_id=(self._context.pipeline_run_id if self._context else None) or "",
            expected_rows=facts[f"{SCORE}_snapshots"],
            feedback_rows=facts[FEEDBACK_ROWS],
            bands=bands,
        )
        scored = scored_accounts(scores.uri, bands)
        published = publish(
            ACCOUNT_RISK_SCORES,
            lambda: scored.rows(publication.as_of, publication.model_version),
            publication=publication,
            policy=_policy(exec_properties),
            details=Details(lambda: detail_rows(scores.uri), int(card["horizon_days"])),
        )
        _describe(scores, publication, published)
        describe_bands(scores, bands, card, published, scored.divided_ties)
        scores.set_int_custom_property(HAS_REASONS, int(scorer.explains))
        describe_unseen_words(scores, examples, model_uri)

    def _score(self, examples: types.Artifact, model_uri: str, scores_uri: str) -> None:
        folder = artifact_utils.get_split_uri([examples], SCORE)
        paths = [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))]
        with original_error(), self._make_beam_pipeline() as pipeline:
            score_files(pipeline, paths, model_uri, scores_uri)


def _policy(exec_properties: dict[str, Any]) -> PublishPolicy:
    limits = {one.name for one in fields(PublishPolicy)}
    return PublishPolicy(**{k: v for k, v in exec_properties.items() if k in limits})


def _describe(scores: types.Artifact, publication: Publication, published: Published) -> None:
    scores.set_string_custom_property(AS_OF, publication.as_of.isoformat())
    scores.set_string_custom_property("model_version", publication.model_version)
    scores.set_string_custom_property(PUBLISHED_AT, published.published_at.isoformat())
    scores.set_int_custom_property(PUBLICATION_ID, published.publication_id)
    scores.set_int_custom_property(PUBLISHED_COUNT, published.written)
    scores.set_int_custom_property(REMOVED_COUNT, published.removed)
    if published.mean_probability is not None:
        scores.set_float_custom_property(MEAN_PROBABILITY, published.mean_probability)
    for category, count in published.categories.items():
        scores.set_int_custom_property(f"{CATEGORY_PREFIX}{category}", count)
