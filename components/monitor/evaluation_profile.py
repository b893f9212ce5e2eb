"""What the evaluation set looks like and what the model says of it, kept inside the model.

Monitor compares each publication with it. The evaluation set has one example an account, at one
cutoff, as the split to score has; no model learns from it.
"""

from tfx import types
from tfx.types import artifact_utils

from components.contributions.secants import log_odds_of
from components.feedback_example_gen.cutoffs import EVAL
from components.monitor.example_reader import decode, list_batches
from components.monitor.observed import observed_batch
from components.monitor.profile import profile_of
from components.monitor.profile_file import write_profile
from components.registry.input_properties import ExamplesProperties
from components.statistics_gen.looked_at import sample_rate
from serving_model.served.predict import ModelScorer


def write_evaluation_profile(exported: str, examples: types.Artifact) -> None:
    """Writes the sketch into an exported model; nothing where there is no evaluation set.

    Args:
        exported: Folder of the SavedModel.
        examples: With the split `eval`.
    """
    if EVAL not in artifact_utils.decode_split_names(examples.split_names):
        return
    split = ExamplesProperties.read(examples).splits[EVAL]
    rate = sample_rate(split.examples)
    batches = list_batches(artifact_utils.get_split_uri([examples], EVAL), rate)
    if not batches:
        return
    _, scores = ModelScorer(exported).score([one for batch in batches for one in batch])
    observed = observed_batch(decode(batches), rate)
    write_profile(exported, profile_of(observed, log_odds_of(scores), split.cutoffs))
