"""Compares the splits of a run with each other, or with what the champion learnt from.

DataChecker asks it before anything is scored; Monitor asks it again where another model than the
one of this run scored. So there is one computation and one threshold for each figure.
"""

from collections.abc import Iterator, Mapping, Sequence

from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils

from components.data_checker.checks import Check
from components.data_checker.config import DataCheckerConfig
from components.data_checker.drift import check_drift
from components.data_checker.pairs import PAIRS, Pair
from components.data_checker.statistics import Statistics
from components.data_checker.value_checks import UNSEEN_PAIRS, check_unseen
from components.feedback_example_gen.cutoffs import SCORE
from components.verdicts import SKIPPED
from transforms.schema import load_schema

BySplit = Mapping[str, Statistics]


def compare(own: BySplit, learnt: BySplit, limits: DataCheckerConfig) -> Iterator[Check]:
    """Yields all checks that look at two splits.

    Args:
        own: Statistics of the splits of the run, by split.
        learnt: Of the labelled splits that the champion learnt from, for a run that has none.
        limits: The thresholds.
    """
    bases, schema = {**learnt, **own}, load_schema()
    for pair in (*UNSEEN_PAIRS, *PAIRS):
        if pair.split not in own:
            continue
        if pair.base not in bases:
            yield _not_compared(pair)
        elif pair in UNSEEN_PAIRS:
            yield from check_unseen(pair, bases[pair.base], own[pair.split], limits)
        else:
            yield from check_drift(pair, bases[pair.base], own[pair.split], schema, limits)


def _not_compared(pair: Pair) -> Check:
    why = (
        f"not compared: there are no statistics of a split {pair.base}, here or of the run that "
        "trained the champion"
    )
    return Check(
        name=f"{pair.group}: {pair.name}",
        group=pair.group,
        splits=(pair.split, pair.base),
        found=None,
        threshold="compared",
        verdict=SKIPPED,
        message=f"{pair.name} ({pair.group}): {why}",
    )


def load_statistics(artifact: types.Artifact, splits: Sequence[str]) -> dict[str, Statistics]:
    """Returns the statistics of splits, by split."""
    return {
        split: stats_artifact_utils.load_statistics(artifact, split).proto() for split in splits
    }


def learnt_statistics(trained: Sequence[types.Artifact]) -> dict[str, Statistics]:
    """Returns the statistics of the labelled splits of a training run.

    Args:
        trained: Its ExampleStatistics, or none.

    Returns:
        By split; nothing where there are none.
    """
    if not trained:
        return {}
    labelled = [
        split
        for split in artifact_utils.decode_split_names(trained[0].split_names)
        if split != SCORE
    ]
    return load_statistics(trained[0], labelled)
