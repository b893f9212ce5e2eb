"""FeedbackExampleGen: emits one tf.Example per account and cutoff from Postgres."""

import json
from collections.abc import Sequence

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.feedback_example_gen import executor
from components.registry.artifacts import AreaCounts


class FeedbackExampleGenSpec(types.ComponentSpec):
    """Interface of FeedbackExampleGen."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "as_of": ExecutionParameter(type=str),
        "splits": ExecutionParameter(type=str),
        "lookback_days": ExecutionParameter(type=int),
        "horizon_days": ExecutionParameter(type=int),
        "cutoff_interval_days": ExecutionParameter(type=int),
        "max_training_cutoffs": ExecutionParameter(type=int),
        "training_cutoffs": ExecutionParameter(type=str),
        "eval_cutoff": ExecutionParameter(type=str),
        "max_events": ExecutionParameter(type=int),
        "label_source": ExecutionParameter(type=str),
        "churn_table": ExecutionParameter(type=str),
        "churn_account_column": ExecutionParameter(type=str),
        "churn_date_column": ExecutionParameter(type=str),
        "rows_per_bucket": ExecutionParameter(type=int),
        "area_window_days": ExecutionParameter(type=int),
        "critical_priority": ExecutionParameter(type=int),
        "duplicate_events": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "area_counts": ChannelParameter(type=AreaCounts),
    }


class FeedbackExampleGen(base_beam_component.BaseBeamComponent):
    """Reads feedback_enriched in one consistent snapshot.

    Component outputs:
        - examples: standard_artifacts.Examples with the splits asked for. Each
          tf.Example has the shape of transforms/event_spec.py. Custom properties say
          as_of, label source, watermark, cutoffs, sizes and base rates.
        - area_counts: AreaCounts, what ProductAreaScorer needs. The exported snapshot ends
          with this component, so what is to be counted inside it is counted here.

    The database is the one that the environment names (DATABASE_URL, or libpq's own
    variables) where the executor runs; no parameter holds an address. The component
    has no custom driver: everything is resolved in the executor, since Kubeflow does
    not run drivers of ours. Don't cache it: an UPDATE of an old row leaves no trace
    in any parameter.
    """

    SPEC_CLASS = FeedbackExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        *,
        splits: Sequence[str],
        lookback_days: int,
        horizon_days: int,
        cutoff_interval_days: int,
        max_training_cutoffs: int,
        max_events: int,
        label_source: str,
        churn_table: str,
        churn_account_column: str,
        churn_date_column: str,
        rows_per_bucket: int,
        area_window_days: int,
        critical_priority: int,
        duplicate_events: str,
        training_cutoffs: Sequence[str] = (),
        eval_cutoff: str = "",
        as_of: str = "",
    ):
        """Declares what to read.

        Args:
            splits: Some of train, eval and score.
            lookback_days: How far back the event lists reach.
            horizon_days: How far ahead the label looks.
            cutoff_interval_days: Between two training cutoffs.
            max_training_cutoffs: At most so many.
            max_events: The lists keep the newest so many.
            label_source: auto, account_churn or inactivity.
            churn_table: Table of ground truth, schema-qualified if need be.
            churn_account_column: Its account column.
            churn_date_column: Its timestamptz column.
            rows_per_bucket: Rows that a reader may hold in memory, about.
            area_window_days: Days before as_of that count for product areas.
            critical_priority: Lowest priority that is critical there, 1..5.
            duplicate_events: collapse or keep rows that repeat another in all but their id.
            training_cutoffs: ISO 8601 each; empty for regular ones.
            eval_cutoff: ISO 8601; empty for the newest cutoff whose window is closed.
            as_of: ISO 8601; empty for the database's clock when the run reads it.
        """
        spec = FeedbackExampleGenSpec(
            as_of=as_of,
            splits=json.dumps(list(splits)),
            lookback_days=lookback_days,
            horizon_days=horizon_days,
            cutoff_interval_days=cutoff_interval_days,
            max_training_cutoffs=max_training_cutoffs,
            training_cutoffs=json.dumps(list(training_cutoffs)),
            eval_cutoff=eval_cutoff,
            max_events=max_events,
            label_source=label_source,
            churn_table=churn_table,
            churn_account_column=churn_account_column,
            churn_date_column=churn_date_column,
            rows_per_bucket=rows_per_bucket,
            area_window_days=area_window_days,
            critical_priority=critical_priority,
            duplicate_events=duplicate_events,
            examples=types.Channel(type=standard_artifacts.Examples),
            area_counts=types.Channel(type=AreaCounts),
        )
        super().__init__(spec=spec)
