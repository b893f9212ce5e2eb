"""The work of AccountScorer: score in Beam, then publish in one transaction."""

import os
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import ahead
from components.account_scorer.bands import band_warning, bands_for, rule_of, trained_rule
from components.account_scorer.beside import Beside, find_beside, scored_beside
from components.account_scorer.champion import (
    judged_horizons,
    population_note,
    require_champion,
    require_fit,
)
from components.account_scorer.cold_start import export_cold_start
from components.account_scorer.config import AccountScorerConfig
from components.account_scorer.early_answers import taken_answers
from components.account_scorer.inference import (
    ScoredAccounts,
    read_shards,
    score_file,
    score_files,
    scored_accounts,
)
from components.account_scorer.kept_details import kept_details
from components.account_scorer.scored_run import ScoredRun
from components.account_scorer.shadow_scores import keep_shadow_scores
from components.account_scorer.split_sizes import split_sizes
from components.account_scorer.unseen_values import count_unseen_values
from components.beam_errors import original_error
from components.config import read_config
from components.feedback_example_gen.cutoffs import SCORE
from components.memory import release_memory
from components.postgres.tables import ACCOUNT_RISK_DETAILS, ACCOUNT_RISK_SCORES
from components.publishing.details import Details
from components.publishing.publication import Publication, Published, PublishPolicy
from components.publishing.publish import publish
from components.publishing.split import Split
from components.registry.input_properties import ExamplesProperties
from components.registry.model_properties import ModelProperties
from components.registry.published_properties import PublishedScoresProperties
from components.sound_model import sound_scorer
from components.whole_files import attempts_folder
from serving_model.served.predict import ModelScorer
from serving_model.served.risk_bands import RiskBands
from transforms.cold_start_rule import is_rule

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
                - model: The champion; absent where no model was ever blessed: then the rule scores
                  if the settings say so.
                - pinned_shadow, former_champion, newest_challenger, second_of_split, split: What
                  scores beside it; any may be absent.
            output_dict:
                - scores: PublishedScores.
            exec_properties: As component.py declares.

        Raises:
            NothingToPublish: There is no champion, nor a rule; or it does not fit the Examples.
            DataGateStopped: There is nothing that the rule could rank.
            StateUnusable: The champion's files are gone or damaged.
            PublicationRefused: A check failed, or another run is newer or at work.
            DatabaseUnreachable: No connection, or lost for good.
            ContractBroken: The output table or a privilege is missing.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        run_id = (self._context.pipeline_run_id if self._context else None) or ""
        scoring = _Scoring.read(input_dict, output_dict, exec_properties, run_id)
        found = find_beside(input_dict, scoring.scorer, scoring.data, scoring.config.shadow_models)
        found = scored_beside(found, lambda beside: self._score(scoring, beside))
        release_memory()  # what scoring freed; publishing holds the most of a run
        split = found.beside.split
        scored = scored_accounts(scoring.scores.uri, scoring.bands, by_two_models=split is not None)
        sizes = split_sizes(split, scored.models)
        ahead.begin(scoring.scored_run(scored))
        published = scoring.publish(scored, split)
        shadows, not_recorded = keep_shadow_scores(
            scoring.scores.uri,
            published.publication_id,
            split,
            history_days=scoring.config.history_days,
            patience_s=scoring.config.database_patience_seconds,
        )
        population = population_note(ModelProperties.from_plain(scoring.scorer.card), scoring.data)
        described = replace(
            scoring.described(scored, published),
            shadows=tuple(f"{one.model_version} ({one.role})" for one in shadows) or None,
            notes=(
                *((population,) if population else ()),
                *found.notes,
                *sizes.notes,
                *not_recorded,
            )
            or None,
            scored_by=split.described if split else None,
            split=sizes.sentence or None,
        )
        described.write(scoring.scores)

    def _score(self, scoring: "_Scoring", beside: Beside) -> None:
        """Writes the shards of the scores."""
        paths = _score_files(scoring.examples)
        explained, scores = scoring.config.explained, scoring.scores.uri
        if len(paths) == 1:  # Beam takes longer to start than it could save
            known = None
            if beside.split is None:
                explains = scoring.config.explains_all
                known = taken_answers(paths[0], scoring.model_uri, explains=explains)
            score_file(
                scoring.scorer,
                paths[0],
                scores,
                explained=explained,
                beside=beside,
                known=known,
            )
            return
        with (
            attempts_folder(scores) as attempts,
            original_error(),
            self._make_beam_pipeline() as pipeline,
        ):
            score_files(
                pipeline,
                paths,
                scoring.model_uri,
                scores,
                explained=explained,
                beside=beside,
                attempts=attempts,
            )


def _population(data: ExamplesProperties) -> dict[str, Any]:
    """Returns what the log of publications keeps of who was scored."""
    return {
        "active_within_days": data.active_within_days,
        "why": data.active_within_why,
        "silent": data.splits[SCORE].silent,
        "silent_accounts": data.silent_accounts,
        "rows_after_churn": data.rows_after_churn,
    }


def _score_files(examples: types.Artifact) -> list[str]:
    folder = artifact_utils.get_split_uri([examples], SCORE)
    return [os.path.join(folder, name) for name in sorted(fileio.listdir(folder))]


@dataclass(frozen=True)
class _Scoring:
    """What is scored and published, and with which champion, or by the rule without one.

    Attributes:
        config: The settings.
        examples: With a split `score`.
        data: What they say of themselves.
        model_uri: Folder of the champion's SavedModel.
        scorer: The champion. Kept: workers of Beam in this process share its model.
        bands: The rule of the risk categories.
        scores: The output; its folder exists.
        run_id: The run that publishes.
        horizons_judged: Of the champion, in days; None if that is not known.
    """

    config: AccountScorerConfig
    examples: types.Artifact
    data: ExamplesProperties
    model_uri: str
    scorer: ModelScorer
    bands: RiskBands
    scores: types.Artifact
    run_id: str
    horizons_judged: tuple[int, ...] | None

    @classmethod
    def read(
        cls, inputs: Artifacts, outputs: Artifacts, exec_properties: dict[str, Any], run_id: str
    ) -> "_Scoring":
        """Loads the champion, or makes the rule, and makes the folder of the scores."""
        config = read_config(AccountScorerConfig, exec_properties)
        examples = artifact_utils.get_single_instance(inputs["examples"])
        data = ExamplesProperties.read(examples)
        scores = artifact_utils.get_single_instance(outputs["scores"])
        models = inputs.get("model") or []
        if config.scores_by_rule and not models:
            fileio.makedirs(scores.uri)
            paths = _score_files(examples)
            model_uri = export_cold_start(config, data, paths, scores.uri, config.bands)
            scorer = ModelScorer(model_uri)
        else:
            model = require_champion(models, data)
            model_uri, scorer = path_utils.serving_model_path(model.uri), sound_scorer(model)
            require_fit(ModelProperties.from_plain(scorer.card), data)
            fileio.makedirs(scores.uri)
        return cls(
            config=config,
            examples=examples,
            data=data,
            model_uri=model_uri,
            scorer=scorer,
            bands=bands_for(config.bands, scorer.card),
            scores=scores,
            run_id=run_id,
            horizons_judged=judged_horizons(inputs.get("blessing") or []),
        )

    @property
    def model_version(self) -> str:
        """Of the champion."""
        return str(self.scorer.card["model_version"])

    @property
    def as_of(self) -> datetime:
        """The run's now, with a time zone."""
        return datetime.fromisoformat(self.data.as_of)

    def scored_run(self, scored: ScoredAccounts) -> ScoredRun:
        """Returns what later nodes can begin with while the scores are published."""
        return ScoredRun(
            as_of=self.as_of,
            examples=artifact_utils.get_split_uri([self.examples], SCORE),
            example_count=self.data.splits[SCORE].examples,
            scores=self.scores.uri,
            model_version=self.model_version,
            horizon_days=int(self.scorer.card["horizon_days"]),
            bands=pa.array(scored.categories.tolist(), pa.string()),
        )

    def publish(self, scored: ScoredAccounts, split: Split | None) -> Published:
        """Publishes what was scored, in one transaction."""
        config, card = self.config, self.scorer.card
        return publish(
            ACCOUNT_RISK_SCORES,
            lambda: scored.rows(self.as_of, self.model_version),
            publication=Publication(
                as_of=self.as_of,
                model_version=self.model_version,
                label_source=str(card["label_source"]),
                run_id=self.run_id,
                expected_rows=self.data.splits[SCORE].examples,
                feedback_rows=self.data.feedback_rows,
                bands=self.bands,
                split=split,
                population=_population(self.data),
            ),
            policy=PublishPolicy(config, remove_departed=config.departed_accounts == "remove"),
            details=Details(
                lambda: read_shards(self.scores.uri, ACCOUNT_RISK_DETAILS.column_names),
                int(card["horizon_days"]),
                config.holdout,
                lambda: kept_details(self.scores.uri, scored, self.bands.base_rate, config.holdout),
                # Of the second model of a split it is not known.
                horizons_judged=None if split else self.horizons_judged,
            ),
        )

    def described(self, scored: ScoredAccounts, published: Published) -> PublishedScoresProperties:
        """Returns what the scores say of themselves, whatever scored beside the champion."""
        bands, former = self.bands, published.former_bands
        return PublishedScoresProperties(
            as_of=self.as_of.isoformat(),
            model_version=self.model_version,
            published_at=published.published_at.isoformat(),
            publication_id=published.publication_id,
            published_count=published.written,
            removed_count=published.removed,
            mean_probability=published.mean_probability,
            risk_bands=bands.describe(),
            risk_bands_mode=bands.mode,
            divided_ties=scored.divided_ties or None,
            former_risk_bands=rule_of(former) if former else None,
            model_risk_bands=trained_rule(self.scorer.card, bands),
            categories=published.categories,
            bands_warning=band_warning(
                bands,
                self.scorer.card,
                scored.categories,
                scored.probabilities,
                scored.accounts,
            )
            or None,
            unseen={}
            if is_rule(self.model_version)  # it knows no words
            else count_unseen_values(self.examples.uri, self.model_uri),
        )
