"""Whether estimated and partial performance cover what comes true, on simulated worlds.

Each world trains a model of ours, publishes once, and waits until all windows have closed:

    python -m bench.estimation

Nothing is written; a run takes some minutes of CPU. Exits with 1 if on worlds without concept drift
the intervals of AUC, log-loss or Brier score cover less than 90 % or more than 97 % of the realised
values, or if the partial AUC is off by .005 or more on average.
"""

import argparse
import itertools
import math
import multiprocessing
import os
import resource
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import beta

from bench import estimation_worlds as worlds
from bench.estimation_worlds import HORIZONS, KINDS, RATES, TARGET, Scored, Trial
from bench.shift_weights import shift_weights
from serving_model.evaluation import metrics
from serving_model.evaluation.estimated_performance import (
    estimated_performance,
    later_chances,
    partial_performance,
)
from serving_model.evaluation.outcome_draws import DRAWS
from serving_model.evaluation.performance import Estimate, Performance
from serving_model.evaluation.recalibration import Recalibration, fitted_line, recalibration
from serving_model.served.risk import CATEGORIES
from transforms.arrays import Booleans, Floats, Integers

DEMANDED: Final = ("auc", "log_loss", "brier")
COVERAGE: Final = (0.90, 0.97)
MOST_BIAS: Final = 0.005
SHIFTED_DRAWS: Final = 300
LIFTS: Final = (1.5, 2.5, 4.0)
SHOWN: Final = ("auc", "pr_auc", "log_loss", "brier", "calibration_error", "churned")
FUNCTIONS: Final = {
    "auc": metrics.auc,
    "pr_auc": metrics.average_precision,
    "log_loss": metrics.log_loss,
    "brier": metrics.brier_score,
    "calibration_error": metrics.expected_calibration_error,
}


class Found(NamedTuple):
    """One estimate beside what came true."""

    table: str
    arm: str
    metric: str
    estimate: Estimate
    realised: float


class Row(NamedTuple):
    """Many of them."""

    estimates: int
    covered: int
    width: float
    bias: float
    bias_deviation: float
    error: float
    """Root of the mean squared error."""


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse(arguments)
    kinds = itertools.cycle(itertools.product(KINDS, RATES))
    tasks = [
        (options.first_seed + number, rate, kind)
        for number, (kind, rate) in zip(range(options.publications), kinds, strict=False)
    ]
    found: defaultdict[tuple[str, str, str], list[Found]] = defaultdict(list)
    with multiprocessing.get_context("spawn").Pool(options.jobs, _one_thread) as pool:
        for number, rows in enumerate(pool.imap(findings, tasks), 1):
            for row in rows:
                found[row.table, row.arm, row.metric].append(row)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(tasks)}", end="", file=sys.stderr)
    table = {key: summed(rows) for key, rows in found.items()}
    for line in lines(table):
        print(line)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"\n{len(tasks)} publications, {used.ru_utime + used.ru_stime:.0f} s of CPU")
    missed = list(misses(table))
    for sentence in missed:
        print(sentence)
    return 1 if missed else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--publications", type=int, default=200, help="One in each world.")
    parser.add_argument("--first-seed", type=int, default=2001, help="Of the worlds.")
    parser.add_argument("--jobs", type=int, default=1, help="Worlds at the same time.")
    return parser.parse_args(arguments)


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def findings(task: tuple[int, str, str]) -> list[Found]:
    """Returns all that one world shows."""
    trial = worlds.trial(*task)
    return [
        *_estimated(trial),
        *_shifted(trial, task[0]),
        *_partial(trial),
    ]


def _bands(trial: Trial, probabilities: Floats) -> Integers:
    """By lift over the mean of the evaluation set, as RISK_BANDS has it."""
    base = float(trial.evaluation.probabilities[:, TARGET].mean())
    return np.digitize(probabilities, [lift * base for lift in LIFTS])


def _belief(trial: Trial, weights: Floats | None = None) -> Recalibration:
    """What the evaluation set says of the probabilities within the target horizon."""
    own = trial.evaluation
    labels = own.snapshot.left(HORIZONS[TARGET]).astype(np.float64)
    line = fitted_line(labels, own.probabilities[:, TARGET], weights)
    return recalibration(line, centre=line.centre)


def _estimated(trial: Trial) -> Iterator[Found]:
    belief = _belief(trial)
    certain = belief._replace(mean=np.zeros(2), covariance=np.zeros((2, 2)))
    prior = recalibration(None, centre=belief.centre)
    published, weeks = trial.published, trial.published.snapshot.weeks_left
    for row in _compared(trial, published, weeks, belief, ("no drift", "ours")):
        yield row
        if row.metric in SHOWN:
            yield row._replace(table="by base rate", arm=trial.rate)
            yield row._replace(table="by world", arm=trial.kind)
    for name, one in (("prior alone", prior), ("no error", certain)):
        yield from _short(_compared(trial, published, weeks, one, ("no drift", name)))
    for horizon in (0, 2):
        place = ("by horizon", f"{7 * HORIZONS[horizon]} days")
        yield from _short(_compared(trial, published, weeks, belief, place, horizon))
    for kind, rows in _slices(published):
        if rows.sum() >= 50:
            own = Scored(published.snapshot.of(rows), published.probabilities[rows])
            yield from _compared(trial, own, weeks[rows], belief, ("by slice", kind))
    for name, drifted in trial.drifted.items():
        place = ("concept drift", name)
        yield from _short(_compared(trial, published, drifted, belief, place))


def _short(rows: Iterable[Found]) -> Iterator[Found]:
    return (row for row in rows if row.metric in SHOWN)


def _slices(scored: Scored) -> Iterator[tuple[str, Booleans]]:
    snapshot = scored.snapshot
    for kind, codes in (("tier", snapshot.tier), ("region", snapshot.region)):
        for code in np.unique(codes):
            yield kind, codes == code
    silent = snapshot.silent
    yield "state", silent
    yield "state", ~silent


def _compared(
    trial: Trial,
    scored: Scored,
    weeks: Integers,
    belief: Recalibration,
    place: tuple[str, str],
    horizon: int = TARGET,
    draws: int = DRAWS,
) -> Iterator[Found]:
    probabilities = scored.probabilities[:, horizon]
    bands = _bands(trial, probabilities)
    found = estimated_performance(probabilities, bands, CATEGORIES, belief, draws=draws)
    yield from _beside(found, probabilities, bands, weeks <= HORIZONS[horizon], place)


def _beside(
    found: Performance,
    probabilities: Floats,
    bands: Integers,
    left: Booleans,
    place: tuple[str, str],
) -> Iterator[Found]:
    """Yields each estimate beside its realised value, where there is one."""
    labels = left.astype(np.float64)
    realised = {name: function(labels, probabilities) for name, function in FUNCTIONS.items()}
    for name, estimate in found.metrics.items():
        if not math.isnan(realised[name]):
            yield Found(*place, name, estimate, realised[name])
    yield Found(*place, "churned", found.left, labels.sum())
    for code, name in enumerate(CATEGORIES):
        if name not in found.bands or not labels.any():
            continue
        band, caught = found.bands[name], labels[bands == code].sum()
        yield Found(*place, f"precision {name}", band.precision, caught / band.flagged)
        yield Found(*place, f"recall {name}", band.recall, caught / labels.sum())
        lift = caught / band.flagged / labels.mean()
        yield Found(*place, f"lift {name}", band.lift, lift)


def _shifted(trial: Trial, seed: int) -> Iterator[Found]:
    """Other accounts than those of the evaluation set, of the same kind of behaviour."""
    random = np.random.default_rng([seed, 77])
    snapshot = trial.published.snapshot
    shares = {
        "tier free mostly gone": np.where(snapshot.tier == 0, 0.2, 1.0),
        "new accounts": np.where(snapshot.weeks_known < 20, 1.0, 0.2),
        "silent accounts": np.where(snapshot.silent, 1.0, 0.2),
    }
    for name, share in shares.items():
        rows = random.random(len(share)) < share
        own = Scored(snapshot.of(rows), trial.published.probabilities[rows])
        weights = shift_weights(trial.evaluation.snapshot.features, own.snapshot.features)
        for arm, belief in (("plain", _belief(trial)), ("weighted", _belief(trial, weights))):
            place, weeks = (f"covariate shift: {name}", arm), own.snapshot.weeks_left
            yield from _short(_compared(trial, own, weeks, belief, place, draws=SHIFTED_DRAWS))


def _partial(trial: Trial) -> Iterator[Found]:
    """Four weeks after the publication, of the window of eight."""
    scored = trial.published
    closed, whole = scored.probabilities[:, 0], scored.probabilities[:, TARGET]
    snapshot, bands = scored.snapshot, _bands(trial, whole)
    early, left = snapshot.left(HORIZONS[0]), snapshot.left(HORIZONS[TARGET])
    rest = _later(trial)
    as_published = recalibration(None, centre=rest.centre)
    for arm, belief in (("ours", rest), ("hazards as published", as_published)):
        found = partial_performance(whole, closed, early, bands, CATEGORIES, belief)
        yield from _beside(found, whole, bands, left, ("partial", arm))
        if arm == "ours":
            rows = list(_short(_beside(found, whole, bands, left, ("", ""))))
            for one in rows:
                yield one._replace(table="partial by world", arm=trial.kind)
                yield one._replace(table="partial by base rate", arm=trial.rate)
            for name, weeks in trial.drifted.items():
                gone, all_gone = weeks <= HORIZONS[0], weeks <= HORIZONS[TARGET]
                other = partial_performance(whole, closed, gone, bands, CATEGORIES, belief)
                place = ("partial, concept drift", name)
                yield from _short(_beside(other, whole, bands, all_gone, place))
    for arm, value in _rivals(trial, early).items():
        truth = metrics.auc(left.astype(np.float64), whole)
        if not math.isnan(value) and not math.isnan(truth):
            nothing = Estimate(value, value, value)
            yield Found("partial", arm, "auc", nothing, truth)


def _later(trial: Trial) -> Recalibration:
    """What earlier publications say of those who were still there after four weeks."""
    labels, chances = [], []
    for scored in trial.earlier:
        there = ~scored.snapshot.left(HORIZONS[0])
        labels.append(scored.snapshot.left(HORIZONS[TARGET])[there].astype(np.float64))
        closed, whole = scored.probabilities[there, 0], scored.probabilities[there, TARGET]
        chances.append(later_chances(whole, closed))
    known = np.concatenate(labels)
    # The windows share accounts and weeks: together they know little more than one.
    weights = np.full(len(known), 1 / len(trial.earlier))
    line = fitted_line(known, np.concatenate(chances), weights)
    return recalibration(line, centre=line.centre)


def _rivals(trial: Trial, early: Booleans) -> Mapping[str, float]:
    """AUC by other means: of early churn alone, and of publications pooled by weights."""
    whole = trial.published.probabilities[:, TARGET]
    old = trial.earlier
    scores = np.concatenate([whole, *(one.probabilities[:, TARGET] for one in old)])
    seen = np.concatenate([np.zeros(len(whole)), *(np.ones(len(one.probabilities)) for one in old)])
    first = np.concatenate([early, *(one.snapshot.left(HORIZONS[0]) for one in old)])
    left = np.concatenate([early, *(one.snapshot.left(HORIZONS[TARGET]) for one in old)])
    # The chance to be seen to the end is the share of publications that have closed.
    weights = np.where(first, 1.0, seen / seen.mean())
    return {
        "early churn alone": metrics.auc(early.astype(np.float64), whole),
        "pooled with earlier ones by weights": weighted_auc(left, scores, weights),
    }


def weighted_auc(left: Booleans, scores: Floats, weights: Floats) -> float:
    """Returns the AUC of accounts that count by weights."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    gone = np.add.reduceat((weights * left)[order], starts)
    there = np.add.reduceat((weights * ~left)[order], starts)
    below = np.cumsum(there) - there / 2
    pairs = gone.sum() * there.sum()
    return float(gone @ below / pairs) if pairs else math.nan


def summed(rows: Sequence[Found]) -> Row:
    """Returns coverage, mean width, bias and error of many estimates."""
    known_rows = [row for row in rows if not math.isnan(row.estimate.value)]
    off = np.array([row.estimate.value - row.realised for row in known_rows])
    # A realised share has steps: rounding must not decide about a value on the limit.
    covered = [
        row.estimate.low - 1e-9 <= row.realised <= row.estimate.high + 1e-9 for row in known_rows
    ]
    return Row(
        len(known_rows),
        sum(covered),
        float(np.mean([row.estimate.high - row.estimate.low for row in known_rows])),
        float(off.mean()),
        float(off.std(ddof=1) / math.sqrt(len(off))) if len(off) > 1 else math.nan,
        float(np.sqrt(np.mean(np.square(off)))),
    )


def lines(table: Mapping[tuple[str, str, str], Row]) -> Iterator[str]:
    """Yields the tables, in Markdown."""
    last = ""
    for (name, arm, metric), row in sorted(table.items(), key=lambda item: item[0][:2]):
        if name != last:
            yield f"\n{name}\n"
            yield "| what | metric | number | covered | of that | mean width | bias | error |"
            yield "|---|---|---|---|---|---|---|---|"
            last = name
        low, high = proportion(row.covered, row.estimates)
        yield (
            f"| {arm} | {metric} | {row.estimates} | {row.covered / row.estimates:.1%} | "
            f"{low:.1%} to {high:.1%} | {row.width:.4f} | "
            f"{row.bias:+.4f} ± {1.96 * row.bias_deviation:.4f} | {row.error:.4f} |"
        )


def proportion(hits: int, count: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share (Clopper and Pearson 1934)."""
    low = beta.ppf(0.025, hits, count - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, count - hits) if hits < count else 1.0
    return float(low), float(high)


def misses(table: Mapping[tuple[str, str, str], Row]) -> Iterator[str]:
    """Yields a sentence for each demand that is not met."""
    for metric in DEMANDED:
        row = table["no drift", "ours", metric]
        share = row.covered / row.estimates
        if not COVERAGE[0] <= share <= COVERAGE[1]:
            yield f"{metric}: {share:.1%} of the realised values are covered"
    bias = table["partial", "ours", "auc"].bias
    if abs(bias) >= MOST_BIAS:
        yield f"partial AUC is off by {bias:+.4f} on average"


if __name__ == "__main__":
    sys.exit(main())
