"""What the gate measured of two models on the same accounts, one judged beside the other."""

from collections.abc import Mapping

from components.model_gate.decision_file import CHALLENGER, CHAMPION, Decision
from components.model_gate.gate_check import OVERALL
from components.model_review.sections.compared import Pair
from components.model_review.sections.estimates import Estimate
from serving_model.evaluation.metrics import METRICS


def gate_pairs(a: str, b: str, of_a: Decision | None, of_b: Decision | None) -> Mapping[str, Pair]:
    """Returns the metrics of two models that the gate compared, with its paired intervals.

    Args:
        a: Version of the one.
        b: Version of the other.
        of_a: The gate's decision on a; None without one.
        of_b: On b.

    Returns:
        By name, differences b - a; nothing where neither was judged beside the other.
    """
    if of_b is not None and of_b.champion_version == a:
        return _pairs(of_b, turned=False)
    if of_a is not None and of_a.champion_version == b:
        return _pairs(of_a, turned=True)
    return {}


def _pairs(decision: Decision, *, turned: bool) -> dict[str, Pair]:
    own, other = decision.metrics.get(CHALLENGER, {}), decision.metrics.get(CHAMPION, {})
    found = {}
    for name in METRICS:
        new, old = own.get(name), other.get(name)
        if new is None or old is None:
            continue
        less = _difference(decision, name)
        if turned:
            new, old, less = old, new, _turned(less)
        found[name] = Pair(old, new, less)
    return found


def _difference(decision: Decision, metric: str) -> Estimate | None:
    """Returns the challenger's less the champion's, where the gate has an interval of it."""
    for check in decision.checks:
        if (check.name, check.slice) == (f"{metric} against the {CHAMPION}", OVERALL):
            return None if check.value is None else Estimate(check.value, check.interval)
    return None


def _turned(found: Estimate | None) -> Estimate | None:
    if found is None:
        return None
    ends = (-found.interval[1], -found.interval[0]) if found.interval else None
    return Estimate(-found.value, ends)
