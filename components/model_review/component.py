"""ModelReview: the report by which a reviewer can judge a run, whatever became of it."""

import json
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.experimental.node_execution_options import utils
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.config import CONFIG, as_parameter
from components.model_review import executor
from components.model_review.config import ModelReviewConfig
from components.registry.artifacts import DataGateDecision, PublishedScores, RecordedOutcomes
from components.registry.artifacts import ModelReview as ModelReviewArtifact
from serving_model.served.risk_bands import RiskBands


class ModelReviewSpec(types.ComponentSpec):
    """Interface of ModelReview."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "settings": ExecutionParameter(type=str),
        "risk_bands": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
        "pipeline_root": ExecutionParameter(type=str),
        CONFIG: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
        "data_decision": ChannelParameter(type=DataGateDecision, optional=True),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph, optional=True),
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "champion": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "scores": ChannelParameter(type=PublishedScores, optional=True),
        "outcomes": ChannelParameter(type=RecordedOutcomes, optional=True),
    }
    OUTPUTS = {"review": ChannelParameter(type=ModelReviewArtifact)}  # noqa: RUF012


class ModelReview(base_component.BaseComponent):
    """Writes the evaluation report, with what is known.

    It runs when all nodes before it are through, also where some failed: a run that was
    stopped is what a reviewer asks about. Runners without that trigger strategy leave it out
    where a node failed.

    Component inputs, all of them optional:
        - examples: Examples of FeedbackExampleGen.
        - data_decision: DataGateDecision of DataChecker.
        - transform_graph: Of Transform.
        - model: The challenger.
        - baseline_model: The champion that it was compared with.
        - blessing: Of ModelGate, with decision.json and the predictions.
        - champion: The model that scores now.
        - scores: PublishedScores.
        - outcomes: RecordedOutcomes; they say what is expected of the published scores.

    Component outputs:
        - review: ModelReview: review.html and review.json.
    """

    SPEC_CLASS = ModelReviewSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        settings: Mapping[str, Any],
        risk_bands: RiskBands,
        code_version: str,
        pipeline_root: str,
        config: ModelReviewConfig,
        **inputs: types.BaseChannel,
    ):
        """Declares inputs and what the report says of the run itself.

        Args:
            settings: Settings of the run, plain values by name, without secrets.
            risk_bands: What is a high risk.
            code_version: Hash of the code that reads, transforms and learns.
            pipeline_root: Where the runner writes down what the nodes took.
            config: The settings of the report.
            **inputs: As above.
        """
        spec = ModelReviewSpec(
            settings=json.dumps(settings, sort_keys=True),
            risk_bands=json.dumps(risk_bands.rule),
            code_version=code_version,
            pipeline_root=pipeline_root,
            config=as_parameter(config),
            review=types.Channel(type=ModelReviewArtifact),
            **inputs,
        )
        super().__init__(spec=spec)
        self.node_execution_options = utils.NodeExecutionOptions(
            trigger_strategy=utils.TriggerStrategy.ALL_UPSTREAM_NODES_COMPLETED
        )
