"""The work of ModelTrainer: name the model, train it, record what it was made from."""

import json
import uuid
from datetime import datetime
from typing import Any, Final

from tfx import types
from tfx.components.trainer import executor
from tfx.types import artifact_utils

from components import artifact_facts
from components.feedback_example_gen.properties import AS_OF, FEEDBACK_ROWS, LABEL_SOURCE

MODEL_CARD: Final = "model_card"
MODEL_VERSION: Final = "model_version"
_FROM_EXAMPLES: Final = (
    AS_OF,
    LABEL_SOURCE,
    FEEDBACK_ROWS,
    "lookback_days",
    "horizon_days",
    "max_events",
    "duplicate_events",
    "train_cutoffs",
    "train_snapshots",
    "train_churned",
    "eval_cutoffs",
    "eval_snapshots",
    "eval_churned",
)


class Executor(executor.GenericExecutor):
    """GenericExecutor that hands run_fn a model card and keeps it as properties."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the component; see GenericExecutor for the artifacts.

        The card goes to run_fn as custom_config["model_card"], which writes it into
        the SavedModel, and to the Model artifact as custom properties.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        config = json.loads(exec_properties["custom_config"])
        card = {**config.get(MODEL_CARD, {}), **_card(artifact_facts.custom_properties(examples))}
        config[MODEL_CARD] = card
        super().Do(
            input_dict, output_dict, {**exec_properties, "custom_config": json.dumps(config)}
        )
        model = artifact_utils.get_single_instance(output_dict["model"])
        for name, value in card.items():
            if isinstance(value, int):
                model.set_int_custom_property(name, value)
            else:
                model.set_string_custom_property(name, str(value))


def _card(facts: dict[str, Any]) -> dict[str, Any]:
    as_of = datetime.fromisoformat(facts[AS_OF])
    return {
        MODEL_VERSION: f"{as_of:%Y%m%d}-{uuid.uuid4().hex[:8]}",
        **{name: facts[name] for name in _FROM_EXAMPLES},
    }
