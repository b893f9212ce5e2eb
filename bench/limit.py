"""Prints how well churn can be predicted at a cutoff of a simulated world, and how well it was.

Usage: python -m bench.limit --cutoff 2026-03-01 --horizon 60 [--predictions scores.csv]

Reads the database that DATABASE_URL names. The file has the columns account_id and
churn_probability.
"""

import argparse
import contextlib
import csv
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from bench.particle_filter import particle_limit
from bench.recorded_world import Snapshot, read_snapshot
from bench.score_table import known_interval
from bench.scores import constant_log_loss, expected_best_auc, share_of_reachable
from components.errors import ContractBroken, TensInsightError
from components.postgres.connection import connect
from serving_model.evaluation.metrics import auc, log_loss
from serving_model.evaluation.paired_bootstrap import replicates_of
from transforms.arrays import Booleans, Floats, Integers

BOOTSTRAP_SEED = 1
MODEL_AUC = "model: AUC"
LIMIT_LESS_MODEL = "limit minus model: AUC"
SHARE = "model: share of log-loss"
"""Of the log-loss that the limit gains over the base rate, the part that the model gains."""


@dataclass(frozen=True)
class Comparison:
    """Probabilities of a model beside those of the limit, for the same n accounts.

    Attributes:
        limit: Shape [n].
        model: Shape [n].
        churned: Shape [n].
        unmatched: Accounts that only one of the two scored.
    """

    limit: Floats
    model: Floats
    churned: Booleans
    unmatched: int


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns the exit code."""
    options = parse(arguments)
    try:
        scores = None if options.predictions is None else read_predictions(options.predictions)
        with contextlib.closing(connect("tens-insight bench limit")) as connection:
            snapshot = read_snapshot(connection, options.cutoff, options.horizon)
        limit = particle_limit(
            snapshot.world,
            snapshot.observations,
            snapshot.cutoff,
            options.horizon,
            options.particles,
            options.seed,
        )
        print_limit(limit, snapshot.churned)
        if scores is not None:
            print_comparison(compare(snapshot, limit, scores, str(options.predictions)))
    except TensInsightError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.limit", description=__doc__.split("\n")[0])
    parser.add_argument("--cutoff", type=moment, required=True, help="ISO date; UTC unless said")
    parser.add_argument("--horizon", type=int, default=60, help="days after the cutoff")
    parser.add_argument("--predictions", type=Path, help="CSV: account_id, churn_probability")
    parser.add_argument("--particles", type=int, default=400, help="states per account")
    parser.add_argument("--seed", type=int, default=0, help="of the filter's own randomness")
    return parser.parse_args(arguments)


def moment(text: str) -> datetime:
    """Returns the moment an ISO text names, UTC unless it says another zone."""
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def print_limit(limit: Floats, churned: Booleans) -> None:
    """Prints what the best possible score reaches."""
    size = len(churned)
    print(f"accounts                     {size:,}, of which {int(churned.sum()):,} left")
    print(f"base rate                    {churned.mean():.4f}; the limit says {limit.mean():.4f}")
    print(f"log-loss of the base rate    {constant_log_loss(churned):.4f}")
    print_line("limit: expected best AUC", lambda at: expected_best_auc(limit[at]), size)
    print_line("limit: realised AUC", lambda at: auc(churned[at], limit[at]), size)
    print_line("limit: log-loss", lambda at: log_loss(churned[at], limit[at]), size)


def comparison_statistics(both: Comparison) -> dict[str, Callable[[Integers], float]]:
    """Returns what tells a model from the limit, each a statistic of drawn accounts."""
    limit, model, churned = both.limit, both.model, both.churned
    return {
        MODEL_AUC: lambda at: auc(churned[at], model[at]),
        LIMIT_LESS_MODEL: lambda at: auc(churned[at], limit[at]) - auc(churned[at], model[at]),
        "model: log-loss": lambda at: log_loss(churned[at], model[at]),
        SHARE: lambda at: share_of_reachable(churned[at], model[at], limit[at]),
    }


def print_comparison(both: Comparison) -> None:
    """Prints what a model reaches, against the limit on the same accounts."""
    size = len(both.churned)
    print(f"model: accounts              {size:,}; scored by only one: {both.unmatched:,}")
    for label, statistic in comparison_statistics(both).items():
        print_line(label, statistic, size)


def print_line(label: str, statistic: Callable[[Integers], float], size: int) -> None:
    """Prints a statistic of all accounts, and its bootstrap interval over them."""
    low, high = bootstrap_interval(statistic, size)
    print(f"{label:<28} {statistic(np.arange(size)):.4f}   95 %: {low:.4f} to {high:.4f}")


def bootstrap_interval(statistic: Callable[[Integers], float], size: int) -> tuple[float, float]:
    """Returns the 95 % interval of a statistic over accounts drawn with replacement.

    Args:
        statistic: From the drawn positions, [size], to a number.
        size: How many accounts there are.
    """
    return known_interval(replicates_of(statistic, size, seed=BOOTSTRAP_SEED))


def compare(
    snapshot: Snapshot, limit: Floats, scores: Mapping[str, float], origin: str
) -> Comparison:
    """Matches a model's scores with the limit, account by account.

    Args:
        snapshot: n accounts.
        limit: Their best possible probabilities, [n].
        scores: Probabilities by account.
        origin: Where the scores come from, for the message.

    Raises:
        ContractBroken: None of these accounts was scored.
    """
    known = set(snapshot.account_ids)
    at = np.array([name in scores for name in snapshot.account_ids])
    if not at.any():
        raise ContractBroken(
            f"{origin} scores none of the {len(known)} accounts that are alive at the cutoff. "
            "Name the file of the model's scores for this cutoff and this world."
        )
    found = [scores[name] for name in snapshot.account_ids if name in scores]
    unmatched = len(known ^ set(scores))
    return Comparison(limit[at], np.array(found), snapshot.churned[at], unmatched)


def read_predictions(file: Path) -> dict[str, float]:
    """Returns the probability of each account in a CSV file.

    Raises:
        ContractBroken: It cannot be read as account_id and churn_probability.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            return {
                row["account_id"]: float(row["churn_probability"]) for row in csv.DictReader(lines)
            }
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ContractBroken(
            f"{file} cannot be read as CSV with the columns account_id and churn_probability, "
            f"a number in each row: {error!r}."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
