"""What the data checks found and decided, as monitoring keeps it: there is no second opinion.

What a check looks at is measured once, by DataChecker, and judged by its threshold alone. Where
another model scored than the one of this run (a challenger that was refused), the comparisons with
training are made again with what that model learnt from, by the same functions.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tfx import types
from tfx.types import artifact_utils

from components.config import CONFIG, read_config
from components.data_checker.actions import decide
from components.data_checker.checks import STOPPED, WARNED, Check
from components.data_checker.comparisons import compare, learnt_statistics, load_statistics
from components.data_checker.config import DataCheckerConfig
from components.data_checker.decision_file import read_checks
from components.data_checker.value_checks import known_words
from components.feedback_example_gen.cutoffs import SCORE, TRAIN
from components.monitor.alarms import LIMIT, Finding
from components.monitor.measures import FACT, OF_CHECKS, PREVIOUS, SETTING, TRAINING, Measure

DATA_GATE: Final = "data_gate"
"""Name of the execution property."""
_COMPARED_WITH_PREVIOUS: Final = "volume"

Artifacts = dict[str, list[types.Artifact]]


def checks_of_run(
    inputs: Artifacts, exec_properties: Mapping[str, Any]
) -> tuple[tuple[Check, ...], dict[str, frozenset[str]] | None]:
    """Returns the checks of a run about the champion that scored, and the words that it knows.

    Args:
        inputs: decision, statistics and trained_statistics, as component.py declares.
        exec_properties: With the settings of the data gate.

    Returns:
        The checks, and the known words by the name of the feature; None where nothing is known.
    """
    decision = artifact_utils.get_single_instance(inputs["decision"])
    checks, trained = read_checks(decision.uri), inputs.get("trained_statistics") or []
    own = artifact_utils.get_single_instance(inputs["statistics"])
    learnt = learnt_statistics(trained)
    known = known_words(learnt[TRAIN]) if TRAIN in learnt else None
    splits = artifact_utils.decode_split_names(own.split_names)
    if splits != [SCORE] and [one.uri for one in trained] != [own.uri]:
        config = {CONFIG: exec_properties[DATA_GATE]}
        limits = read_config(DataCheckerConfig, config)
        again = compare(load_statistics(own, [SCORE]), learnt, limits)
        others = [one for one in checks if not _of_training(one)]
        checks = [*others, *decide(again, limits.data_checks)]
    return tuple(checks), known


def _of_training(check: Check) -> bool:
    """Tells whether a check compares what is scored with what was learnt from."""
    return check.splits[:1] == (SCORE,) and len(check.splits) > 1


def measure_of(check: Check) -> Measure | None:
    """Returns what a check found as a measure; None where it is no number."""
    if not isinstance(check.found, float | int):
        return None
    if _of_training(check):
        baseline = TRAINING
    else:
        baseline = PREVIOUS if check.group == _COMPARED_WITH_PREVIOUS else SETTING
    column = f":{check.group}{OF_CHECKS}"
    return Measure("checks", FACT, check.name, float(check.found), column, baseline=baseline)


def measure_checks(checks: Sequence[Check]) -> Iterator[Measure]:
    """Yields what the data checks found.

    Args:
        checks: Of the data gate.
    """
    yield from filter(None, map(measure_of, checks))


def findings_of_checks(checks: Sequence[Check]) -> list[Finding]:
    """Returns what the data checks decided about what was scored, by the limits of the settings.

    Args:
        checks: Of the data gate.
    """
    found = []
    for check in checks:
        judged = SCORE in check.splits or not check.splits
        measure = measure_of(check)
        if not judged or measure is None or (check.low, check.high) == (None, None):
            continue
        found.append(
            Finding(
                measure,
                measure.value,
                low=_number(check.low),
                high=_number(check.high),
                statistic=LIMIT,
                surprise=math.nan,
                threshold=math.nan,
                alarm=check.verdict in (WARNED, STOPPED),
            )
        )
    return found


def _number(end: float | None) -> float:
    return math.nan if end is None else float(end)
