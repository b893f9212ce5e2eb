"""The work of OutcomeRecorder: record in one transaction, and say what was recorded."""

import json
import os
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.config import CONFIG, read_config
from components.feedback_example_gen.config import FeedbackExampleGenConfig
from components.feedback_example_gen.reading.feedback_reader import ChurnSource
from components.outcome_recorder.config import OutcomeRecorderConfig
from components.outcome_recorder.record import Recorded, Run, record_outcomes
from components.outcome_recorder.windows import Truth, truth_of
from components.postgres.retry import retried
from components.registry.input_properties import ExamplesProperties
from components.registry.published_properties import (
    PublishedScoresProperties,
    RecordedOutcomesProperties,
)

READING: Final = "reading"
"""Name of the execution property with the config of FeedbackExampleGen."""
FILE: Final = "outcomes.json"


class Executor(base_executor.BaseExecutor):
    """Measures the windows that are over, and corrects those that were measured before."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component.

        Args:
            input_dict:
                - examples: Examples of FeedbackExampleGen.
                - scores: PublishedScores of AccountScorer.
            output_dict:
                - outcomes: RecordedOutcomes.
            exec_properties: As component.py declares.

        Raises:
            PublicationRefused: Somebody else is publishing for long.
            DatabaseUnreachable: No connection, or lost for good.
            ContractBroken: A table or a privilege is missing.
            ConfigInvalid: A config lacks a setting, or holds a wrong value.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = read_config(OutcomeRecorderConfig, exec_properties)
        reading = read_config(FeedbackExampleGenConfig, {CONFIG: exec_properties[READING]})
        data = ExamplesProperties.read(artifact_utils.get_single_instance(input_dict["examples"]))
        scores = artifact_utils.get_single_instance(input_dict["scores"])
        run = Run(
            run_id=(self._context.pipeline_run_id if self._context else None) or "",
            publication_id=PublishedScoresProperties.read(scores).publication_id,
            truth=truth_of(data),
            churn=ChurnSource(
                reading.churn_table, reading.churn_account_column, reading.churn_date_column
            ),
            critical_priority=reading.critical_priority,
            actions=config.actions,
            scores=scores.uri,
        )
        recorded = retried(
            lambda: record_outcomes(run), patience_s=config.database_patience_seconds
        )
        outcomes = artifact_utils.get_single_instance(output_dict["outcomes"])
        fileio.makedirs(outcomes.uri)
        content = {
            "measured": [asdict(one) for one in recorded.measured],
            "corrections": [asdict(one) for one in recorded.corrections],
            "foreseen": [asdict(one) for one in recorded.foreseen],
        }
        with fileio.open(os.path.join(outcomes.uri, FILE), "w") as file:
            file.write(json.dumps(content, indent=1))
        found = properties(run.truth, recorded)
        found.write(outcomes)
        logging.info("Outcomes: %s", json.dumps(found.as_json()))


def properties(truth: Truth, recorded: Recorded) -> RecordedOutcomesProperties:
    """Returns what the artifact says of itself.

    Args:
        truth: What the run knew.
        recorded: What it recorded.
    """
    return RecordedOutcomesProperties(
        as_of=truth.as_of.isoformat(),
        label_source=truth.label_source,
        measured=len(recorded.measured),
        accounts=sum(one.accounts for one in recorded.measured),
        left=sum(one.left_count for one in recorded.measured),
        unknown=sum(one.unknown_count for one in recorded.measured),
        waiting=recorded.waiting,
        open=recorded.open.windows,
        next_closes_at=_text(recorded.open.next),
        corrected_windows=len(recorded.corrections),
        corrected_rows=sum(one.rows for one in recorded.corrections),
        judged=len(recorded.judged),
        missed=recorded.missed,
        withheld=recorded.withheld,
        estimated=recorded.estimated,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
