"""The checks on all accounts: against baselines and champion, and of calibration."""

from collections.abc import Iterator, Mapping
from typing import Final

from components.model_gate.calibration_checks import calibration_checks
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision_file import CHALLENGER, CHAMPION
from components.model_gate.evidence import AUC_ABOVE_CHANCE, GAIN_OVER_CONSTANT
from components.model_gate.gate_check import LOWEST_AUC, GateCheck, Population
from serving_model.evaluation.metrics import METRICS, auc, log_loss
from serving_model.evaluation.paired_bootstrap import Replicates, interval
from serving_model.evaluation.ranking import COLD_START_RULE, CONSTANT, LOGISTIC_REGRESSION
from transforms.arrays import Floats

_OTHERS: Final = (LOGISTIC_REGRESSION, COLD_START_RULE, CHAMPION)


def overall_checks(
    population: Population,
    labels: Floats,
    models: Mapping[str, Floats],
    replicates: Mapping[str, Replicates],
    limits: ModelGateConfig,
) -> Iterator[GateCheck]:
    """Yields every check on the whole evaluation set.

    Args:
        population: Its size.
        labels: 0 or 1, [n].
        models: Probabilities by name, [n]; the champion may be absent.
        replicates: Of the paired bootstrap, by the same names.
        limits: The thresholds.
    """
    yield population.check(
        name="auc",
        value=(area := auc(labels, models[CHALLENGER])),
        threshold=f"at least {limits.min_auc:g}",
        limit=limits.min_auc,
        excess=limits.min_auc - area,
        replicates=replicates[CHALLENGER]["auc"],
    )
    yield from _beats_the_constant(population, labels, models, replicates)
    for other in _OTHERS:
        if other in models:
            yield from _not_worse(population, labels, models, replicates, other, limits)
        else:
            yield population.skip(f"against the {other}", "not worse", f"there is no {other}")
    own = replicates[CHALLENGER]
    yield from calibration_checks(population, labels, models[CHALLENGER], own, limits)


def _beats_the_constant(
    population: Population,
    labels: Floats,
    models: Mapping[str, Floats],
    replicates: Mapping[str, Replicates],
) -> Iterator[GateCheck]:
    """A gain in log-loss alone proves nothing: it may come from the drift of the base rate."""
    own = replicates[CHALLENGER]
    yield population.check(
        name=AUC_ABOVE_CHANCE,
        value=auc(labels, models[CHALLENGER]),
        threshold=f"lower end above {LOWEST_AUC:g}",
        limit=LOWEST_AUC,
        excess=LOWEST_AUC - _lower_end(own["auc"]),
        replicates=own["auc"],
        strict=True,
    )
    gains = replicates[CONSTANT]["log_loss"] - own["log_loss"]
    losses = [log_loss(labels, models[name]) for name in (CONSTANT, CHALLENGER)]
    yield population.check(
        name=GAIN_OVER_CONSTANT,
        value=losses[0] - losses[1],
        threshold="lower end above 0",
        limit=0.0,
        excess=-_lower_end(gains),
        replicates=gains,
        strict=True,
    )


def _not_worse(
    population: Population,
    labels: Floats,
    models: Mapping[str, Floats],
    replicates: Mapping[str, Replicates],
    other: str,
    limits: ModelGateConfig,
) -> Iterator[GateCheck]:
    """The differences are challenger less the other model, on the same accounts.

    The rule is compared by its ranking alone: nothing was fitted to make its probabilities right.
    """
    both = (models[CHALLENGER], models[other])
    own, others = replicates[CHALLENGER], replicates[other]
    for name, most in limits.worsening_limits.items():
        metric = METRICS[name]
        if other == COLD_START_RULE and not metric.ranked:
            continue
        difference = metric.function(labels, both[0]) - metric.function(labels, both[1])
        limit = -most if metric.higher_is_better else most
        yield population.check(
            name=f"{name} against the {other}",
            value=difference,
            threshold=f"{'at least' if metric.higher_is_better else 'at most'} {limit:+g}",
            limit=limit,
            excess=limit - difference if metric.higher_is_better else difference - limit,
            replicates=own[name] - others[name] if metric.has_interval else None,
        )


def _lower_end(replicates: Floats) -> float:
    ends = interval(replicates)
    return ends[0] if ends else float("nan")
