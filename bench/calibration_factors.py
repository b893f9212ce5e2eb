"""How many sound models a factor of the calibration ratio refuses, and which bad ones it sees.

    python -m bench.calibration_factors --first-seed 101 --seeds 14

Each world of bench/estimation_worlds.py trains a linear model of ours on four cutoffs, and the
checks of the gate judge it on the next one. Sound is what every check but the ratios would have
blessed; the cold-start rule is not among the baselines, since these worlds draw no events. A sound
model is made bad by moving all of its log-odds until its mean is a multiple of what it was. The
constant that its log-loss is compared with is its own mean.
"""

import argparse
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binomtest

from bench import estimation_worlds as worlds
from bench.estimation_worlds import HORIZONS, KINDS, RATES, TARGET
from components.model_gate.calibration_checks import BY_CHANCE, RATIO, TOP_DECILE
from components.model_gate.config import ModelGateConfig
from components.model_gate.decision_file import CHALLENGER
from components.model_gate.gate_check import OVERALL, GateCheck, Population
from components.model_gate.horizon_checks import horizon_checks, horizon_name
from components.model_gate.overall_checks import overall_checks
from components.model_gate.predictions import Predictions, Seen
from components.model_gate.slice_checks import Traits, slice_checks
from pipeline.text.plain_text import table_lines
from serving_model.evaluation.calibration_ratio import calibration_ratio
from serving_model.evaluation.paired_bootstrap import paired_bootstrap
from serving_model.evaluation.ranking import CONSTANT, LOGISTIC_REGRESSION
from serving_model.evaluation.recalibration import log_odds_of
from transforms.arrays import Floats

FACTORS: Final = (1.0, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0)
OFF: Final = (1.22, 1.28, 1.35)
"""By how much the mean of a sound model is set off."""
LIMITS: Final = ModelGateConfig(max_calibration_ratio=1, max_part_calibration_ratio=1)
"""The defaults, with ratios that fail wherever chance does not explain them."""
_RARE: Final = 0.5
PARTS: Final = ("overall", "top decile", "a slice", "a horizon")


class Judged(NamedTuple):
    """A model on its evaluation set.

    Attributes:
        rate: Name of the base rate of its world.
        is_sound: Whether it passed every check but the ratios.
        beyond: By part, the largest factor that chance does not explain; 1 where there is none.
        seen: By factor of OFF, the ratio's factor then; 1 where chance explains it. Empty where
            most accounts churn.
        churned: Accounts of the evaluation set.
    """

    rate: str
    is_sound: bool
    beyond: dict[str, float]
    seen: dict[float, float]
    churned: int


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    tasks = list(itertools.product(seeds, options.rates, KINDS))
    found = []
    for number, task in enumerate(tasks, 1):
        found.append(judged(*task))
        print(f"\r{number} of {len(tasks)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for table in (refused_by_part(found), refused_by_rate(found), seen_by_rate(found)):
        print(*table_lines(list(table)), "", sep="\n")
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--first-seed", type=int, default=101, help="Of the worlds.")
    parser.add_argument("--seeds", type=int, default=14, help="Worlds of each rate and kind.")
    parser.add_argument("--rates", nargs="+", choices=tuple(RATES), default=tuple(RATES))
    return parser.parse_args(arguments)


def judged(seed: int, rate: str, kind: str) -> Judged:
    """Trains in one world, and holds the model against every check."""
    predictions = _predictions(worlds.trial(seed, rate, kind).evaluation)
    labels, own = predictions.labels, predictions.models[CHALLENGER]
    checks = list(_checks(predictions))
    ratios = [one for one in checks if one.name == RATIO]
    return Judged(
        rate,
        not any(one.failed for one in checks if one.name != RATIO),
        {part: max([1.0, *map(_factor, _of(part, ratios))]) for part in PARTS},
        {off: _beyond_chance(labels, moved(own, off)) for off in OFF if own.mean() < _RARE},
        int(labels.sum()),
    )


def _predictions(found: worlds.Scored) -> Predictions:
    snapshot, days = found.snapshot, tuple(7 * weeks for weeks in HORIZONS)
    seen = 7 * (worlds.PUBLICATION - worlds.EVALUATION)
    lost = 7 * snapshot.weeks_left
    own = found.probabilities[:, TARGET]
    models = {
        CHALLENGER: own,
        CONSTANT: np.full(len(own), own.mean()),
        LOGISTIC_REGRESSION: own,
    }
    return Predictions(
        snapshot.account.astype(str),
        snapshot.left(HORIZONS[TARGET]).astype(np.float64),
        models,
        Traits(
            snapshot.tier.astype(str),
            snapshot.region.astype(str),
            np.where(snapshot.silent, "silent", "active"),
        ),
        dict(zip(days, found.probabilities.T, strict=True)),
        Seen(np.where(lost <= seen, lost, -1.0), np.full(len(own), float(seen))),
    )


def _checks(predictions: Predictions) -> Iterator[GateCheck]:
    labels, models = predictions.labels, predictions.models
    population, replicates = Population.of(OVERALL, labels), paired_bootstrap(labels, models)
    yield from overall_checks(population, labels, models, replicates, LIMITS)
    for _, found in slice_checks(labels, models, predictions.traits, LIMITS):
        yield from found
    yield from horizon_checks(predictions, 7 * HORIZONS[TARGET], LIMITS)[1]


def _of(part: str, ratios: Sequence[GateCheck]) -> Iterator[GateCheck]:
    horizons = {horizon_name(7 * weeks) for weeks in HORIZONS}
    for one in ratios:
        name = {OVERALL: "overall", TOP_DECILE: "top decile"}.get(one.slice, "a slice")
        if part == ("a horizon" if one.slice in horizons else name):
            yield one


def _factor(check: GateCheck) -> float:
    """Returns how far off a ratio is that chance does not explain, else 1."""
    if not check.failed:
        return 1.0
    return max(check.value, 1 / check.value) if check.value else float("inf")


def moved(probabilities: Floats, factor: float) -> Floats:
    """Moves all log-odds by as much as brings the mean to a multiple of what it is."""
    log_odds, wanted = log_odds_of(probabilities), factor * float(probabilities.mean())
    by = brentq(lambda shift: float(expit(log_odds + shift).mean()) - wanted, 0.0, 10.0)
    return np.asarray(expit(log_odds + by))


def _beyond_chance(labels: Floats, probabilities: Floats) -> float:
    found = calibration_ratio(labels, probabilities)
    return found.factor if found.p_value < BY_CHANCE else 1.0


def refused_by_part(found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    """Yields how many sound models each factor refuses, by what it is applied to."""
    sound = [one for one in found if one.is_sound]
    yield (f"factor, {len(sound)} of {len(found)} sound", *PARTS)
    for factor in FACTORS:
        counts = (str(sum(one.beyond[part] > factor for one in sound)) for part in PARTS)
        yield (f"{factor:g}", *counts)


def refused_by_rate(found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    """Yields which share of the sound models each factor refuses overall, by base rate."""
    rates = list(dict.fromkeys(one.rate for one in found))
    yield ("factor overall", *rates, "all")
    for factor in FACTORS:
        row = [f"{factor:g}"]
        for rate in (*rates, ""):
            sound = [one for one in found if one.is_sound and rate in ("", one.rate)]
            row.append(_share(sum(one.beyond["overall"] > factor for one in sound), len(sound)))
        yield tuple(row)


def seen_by_rate(found: Sequence[Judged]) -> Iterator[tuple[str, ...]]:
    """Yields which share of models whose mean is off each factor refuses, by base rate."""
    factors = (1.15, 1.2, 1.25, 1.3)
    yield ("mean off by", "base rate", "churned", *(f"factor {factor:g}" for factor in factors))
    rates = dict.fromkeys(one.rate for one in found if one.is_sound and one.seen)
    for off, rate in itertools.product(OFF, rates):
        sound = [one for one in found if one.is_sound and one.seen and one.rate == rate]
        churned = f"{np.median([one.churned for one in sound]):.0f}"
        counts = [sum(one.seen[off] > factor for one in sound) for factor in factors]
        yield (f"{off:g}", rate, churned, *(_share(count, len(sound)) for count in counts))


def _share(part: int, whole: int) -> str:
    if not whole:
        return "-"
    ends = binomtest(part, whole).proportion_ci(method="exact")
    return f"{part} of {whole}, {part / whole:.1%} [{ends.low:.1%}, {ends.high:.1%}]"


if __name__ == "__main__":
    sys.exit(main())
