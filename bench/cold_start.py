"""Whether the cold-start rule ranks better than recency alone, on every history that there is.

    python -m bench.cold_start FOLDER... --seeds 11 12 13 14 15 16

FOLDER is a recorded history as bench/history_folder.py says; its test cutoff is asked. Worlds are
those of pipeline/demo and of bench/estimation_worlds.py, with churn dates and with inactivity, at
base rates from 2 to 65 %. Accounts of all seeds are put together; intervals are of a bootstrap over
accounts, the same for both. Exits with 1 if the rule ranks worse than recency by the interval.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.estimation_worlds import KINDS, RATES
from bench.rule_worlds import (
    CHURN_DATES,
    INACTIVITY,
    Array,
    Labelled,
    estimated,
    recorded,
    simulated,
)
from pipeline.logs import silence_libraries
from pipeline.text.plain_text import table_lines
from serving_model.evaluation.metrics import METRICS
from serving_model.evaluation.paired_bootstrap import interval, paired_bootstrap
from serving_model.served.rule_model import fit_rule
from transforms.cold_start_rule import RuleWeights
from transforms.rule_signals import rule_signals

SEEDS = (11, 12, 13, 14, 15, 16)
WORLDS = (
    *((scenario, 0.0, CHURN_DATES) for scenario in ("base", "strong", "harsh", "regime", "null")),
    *((scenario, 0.0, INACTIVITY) for scenario in ("base", "strong")),
    ("base", -1.2, INACTIVITY),
    ("base", 1.8, INACTIVITY),
)
"""Scenario, what is added to its churn logit, and what the label is."""
RULE, RECENCY = "rule", "recency"
HEADS = ("history", "accounts", "rate", "recency", "rule", "rule minus recency", "slope")


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    silence_libraries()
    options = parse(arguments)
    rows: list[tuple[str, ...]] = [HEADS]
    worse = False
    for name, found in histories(options.folders, options.seeds):
        row, is_worse = measured(name, found)
        rows.append(row)
        worse |= is_worse
        print("  ".join(row), file=sys.stderr, flush=True)
    print("\n".join(table_lines(rows, right=(1, 2, 3, 4, 6))))
    return int(worse)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.cold_start", description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, help="recorded histories")
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS, help="of the worlds")
    return parser.parse_args(arguments)


def histories(
    folders: Iterable[Path], seeds: Iterable[int]
) -> Iterator[tuple[str, list[Labelled]]]:
    """Yields name and examples of each history."""
    for folder in folders:
        yield folder.resolve().name, list(recorded(folder))
    for world in WORLDS:
        scenario, shift, label = world
        name = f"{scenario} {shift:+g}, {label}" if shift else f"{scenario}, {label}"
        yield name, _of_seeds(partial(simulated, *world), seeds)
    for rate in RATES:
        for kind in KINDS:
            yield f"{kind} {rate}", _of_seeds(partial(estimated, rate, kind), seeds)


def _of_seeds(draw: Callable[[int], Iterator[Labelled]], seeds: Iterable[int]) -> list[Labelled]:
    return [one for seed in seeds for one in draw(seed)]


def measured(name: str, found: list[Labelled]) -> tuple[tuple[str, ...], bool]:
    """Returns the row of a history, and whether the rule is worse than recency."""
    labels = np.concatenate([one.labels for one in found])
    signals = np.concatenate([rule_signals(one.history).numpy() for one in found])
    silence = np.concatenate([one.history.silence.numpy() for one in found])
    rule = fit_rule(RuleWeights(), signals, float(labels.mean()))
    models = {RULE: rule.probabilities(signals), RECENCY: silence / (1 + silence)}
    replicates = paired_bootstrap(labels, models, metrics=(METRICS["auc"],))
    gaps = replicates[RULE]["auc"] - replicates[RECENCY]["auc"]
    low, high = interval(gaps) or (np.nan, np.nan)
    areas = {model: METRICS["auc"].function(labels, one) for model, one in models.items()}
    row = (
        name,
        str(len(labels)),
        f"{labels.mean():.3f}",
        f"{areas[RECENCY]:.4f}",
        f"{areas[RULE]:.4f}",
        f"{areas[RULE] - areas[RECENCY]:+.4f} [{low:+.4f}, {high:+.4f}]",
        f"{_slope(labels, rule.log_odds(signals)):.2f}",
    )
    return row, bool(high < 0)


def _slope(labels: Array, log_odds: Array) -> float:
    """Returns by how much the log-odds of the outcomes follow those of the rule: 1 is right."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=np.inf).fit(log_odds[:, None], labels)
    return float(fitted.coef_[0, 0])


if __name__ == "__main__":
    sys.exit(main())
