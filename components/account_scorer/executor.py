"""The work of AccountScorer: score in Beam, then publish in one transaction."""

import os
from datetime import datetime
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.account_scorer.bands import bands_for, rule_of, trained_rule
from components.account_scorer.beside import Beside, find_beside, scored_beside
from components.account_scorer.champion import require_champion, require_fit
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.inference import (
    read_shards,
    score_file,
    score_files,
    scored_accounts,
)
from components.account_scorer.shadow_scores import keep_shadow_scores
from components.account_scorer.split_sizes import split_sizes
from components.account_scorer.unseen_values import count_unseen_values
from components.beam_errors import original_error
from components.config import read_config
from components.feedback_example_gen.cutoffs import SCORE
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication, PublishPolicy
from components.publishing.publish import publish
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from components.sound_model import sound_scorer
from serving_model.served.predict import ModelScorer

Artifacts = dict[str, list[types.Artifact]]


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
                - pinned_shadow, former_champion, newest_challenger, second_of_split, split: What
                  scores beside it; any may be absent.
            output_dict:
                - scores: PublishedScores.
            exec_properties: As component.py declares.

        Raises:
            NothingToPublish: There is no champion, or it does not fit the Examples.
            StateUnusable: The champion's files are gone or damaged.
            PublicationRefused: A check failed, or another run is newer or at work.
            DatabaseUnreachable: No connection, or lost for good.
            ContractBroken: The output table or a privilege is missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(AccountScorerConfig, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        data = ExamplesProperties.read(examples)
        model = require_champion(input_dict.get("model") or [])
        model_uri = path_utils.serving_model_path(model.uri)
        scorer = sound_scorer(model)  # kept: workers of Beam in this process share its model
        card = scorer.card
        require_fit(ModelProperties.from_plain(card), data)
        scores = artifact_utils.get_single_instance(output_dict["scores"])
        fileio.makedirs(scores.uri)
        bands = bands_for(config.bands, card)
        found = find_beside(input_dict, scorer, data, config.shadow_models)

        def score(beside: Beside) -> None:
            reasons = config.with_reasons
            self._score(
                examples, scorer, model_uri, scores.uri, with_reasons=reasons, beside=beside
            )

        found = scored_beside(found, score)
        split = found.beside.split
        publication = Publication(
            as_of=datetime.fromisoformat(data.as_of),
            model_version=str(card["model_version"]),
            label_source=str(card["label_source"]),
            run_id=(self._context.pipeline_run_id if self._context else None) or "",
            expected_rows=data.splits[SCORE].examples,
            feedback_rows=data.feedback_rows,
            bands=bands,
            split=split,
        )
        scored = scored_accounts(scores.uri, bands, by_two_models=split is not None)
        sizes = split_sizes(split, scored.models)
        published = publish(
            ACCOUNT_RISK_SCORES,
            lambda: scored.rows(publication.as_of, publication.model_version),
            publication=publication,
            policy=PublishPolicy(config, remove_departed=config.departed_accounts == "remove"),
            details=Details(
                lambda: read_shards(scores.uri, ACCOUNT_RISK_DETAILS.column_names),
                int(card["horizon_days"]),
                config.holdout,
            ),
        )
        shadows, not_recorded = keep_shadow_scores(
            scores.uri,
            published.publication_id,
            split,
            history_days=config.history_days,
            patience_s=config.database_patience_seconds,
        )
        notes = (*found.notes, *sizes.notes, *not_recorded)
        PublishedScoresProperties(
            as_of=publication.as_of.isoformat(),
            model_version=publication.model_version,
            published_at=published.published_at.isoformat(),
            publication_id=published.publication_id,
            published_count=published.written,
            removed_count=published.removed,
            mean_probability=published.mean_probability,
            risk_bands=bands.describe(),
            risk_bands_mode=bands.mode,
            divided_ties=scored.divided_ties or None,
            former_risk_bands=rule_of(published.former_bands) if published.former_bands else None,
            model_risk_bands=trained_rule(card, bands),
            categories=published.categories,
            unseen=count_unseen_values(examples.uri, model_uri),
            shadows=tuple(f"{one.model_version} ({one.role})" for one in shadows) or None,
            notes=notes or None,
            scored_by=split.described if split else None,
            split=sizes.sentence or None,
        ).write(scores)

    def _score(
        self,
        examples: types.Artifact,
        scorer: ModelScorer,
        model_uri: str,
        scores_uri: str,
        *,
        with_reasons: bool,
        beside: Beside,
    ) -> None:
        folder = artifact_utils.get_split_uri([examples], SCORE)
        paths = [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))]
        if len(paths) == 1:  # Beam takes longer to start than it could save
            score_file(scorer, paths[0], scores_uri, with_reasons=with_reasons, beside=beside)
            return
        with original_error(), self._make_beam_pipeline() as pipeline:
            score_files(
                pipeline, paths, model_uri, scores_uri, with_reasons=with_reasons, beside=beside
            )
