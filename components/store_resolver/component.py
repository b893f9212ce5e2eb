"""StoreResolver: a Resolver whose strategy is applied by its own executor."""

import json

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.common import resolver
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import name_utils

from components.registry.artifacts import ModelSplit
from components.registry.strategy import SECOND, SHADOW_KEYS, SPLIT
from components.store_resolver import executor
from components.store_resolver.query import Query


class StoreResolverSpec(types.ComponentSpec):
    """Interface of StoreResolver: outputs for whatever our pipelines resolve."""

    PARAMETERS = {  # noqa: RUF012 - as ComponentSpec asks
        "strategy": ExecutionParameter(type=str),
        "queries": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        "hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters, optional=True),
        **{
            key: ChannelParameter(type=standard_artifacts.Model, optional=True)
            for key in (*SHADOW_KEYS, SECOND)
        },
        SPLIT: ChannelParameter(type=ModelSplit, optional=True),
    }


class StoreResolver(base_component.BaseComponent):
    """Takes the arguments of tfx.dsl.Resolver, and resolves when its task runs.

    Kubeflow and Vertex compile two strategies of TFX's own, over their own store; ours, and
    what people decided about models, live in the project's ML Metadata.

    Component outputs, under the keys of the channels:
        - What the strategy resolved: the uri and the properties of the artifact in ML
          Metadata. An output that it resolved to nothing has the property `absent`.
    """

    SPEC_CLASS = StoreResolverSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        strategy_class: type[resolver.ResolverStrategy],
        **channels: types.BaseChannel,
    ):
        """Declares what to resolve.

        Args:
            strategy_class: Without arguments.
            **channels: Of one node's output each, of this pipeline or of another.
        """
        queries = {key: Query.of(channel).as_dict() for key, channel in channels.items()}
        spec = StoreResolverSpec(
            strategy=name_utils.get_full_name(strategy_class),
            queries=json.dumps(queries, sort_keys=True),
            **{key: types.Channel(type=channel.type) for key, channel in channels.items()},
        )
        super().__init__(spec=spec)
