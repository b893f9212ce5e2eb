"""The newest artifact of a channel, where there need not be one."""

from typing import Any

from tfx import types
from tfx.dsl.components.common import resolver


class NewestOrNone(resolver.ResolverStrategy):
    """Resolves the newest artifact of each channel, and nothing where there is none.

    TFX's LatestArtifactStrategy fails a run before which there was none; before the first tuning
    run there are no tuned hyperparameters, and that is no failure.
    """

    def resolve_artifacts(
        self, store: Any, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the newest artifact by key, in a list that may be empty.

        Args:
            store: Of ML Metadata; not asked.
            input_dict: All live artifacts of the channels.
        """
        return {key: sorted(found, key=_artifact_id)[-1:] for key, found in input_dict.items()}


def _artifact_id(artifact: types.Artifact) -> int:
    return int(artifact.id)
