"""What each group of features is worth: the model is fitted again without it.

Usage: python -m bench.ablation FOLDER [--members 2]
       python -m bench.ablation --world base --accounts 6000 --days 480

The pipeline makes the examples once, as in bench.model_quality. Then the whole model (its
choices included) is fitted on all columns, once with another seed to see what chance
alone does, and once without the columns of each group of transforms/reason_groups.py.
A loss above 0 says that the model is worse without the group. Intervals are of a paired
bootstrap over the test accounts; groups share information, so that none being missed
does not make all of them useless.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.history_options import add_history, history_of
from bench.score_table import Interval, as_text, known_interval
from bench.trained_history import TrainedHistory, trained
from pipeline.logs import silence_libraries
from transforms.arrays import Booleans, Floats

if TYPE_CHECKING:
    from serving_model.learning.learner import TrainerSettings

ALL = "all columns"
OTHER_SEED = "nothing, another seed"
MEMBERS = 2
"""Fewer networks than a model that is served has, for time."""


class Dropped(NamedTuple):
    """What the model loses without a group; above 0 it is worse without it."""

    group: str
    columns: int
    auc_loss: float
    auc_interval: Interval
    log_loss_loss: float
    log_loss_interval: Interval


def main(arguments: list[str] | None = None) -> int:
    """Runs the ablation; returns the exit code."""
    silence_libraries()
    options = parse(arguments)
    history = history_of(options)
    with trained(history, {"members": options.members}) as found:
        pass
    from transforms.reason_groups import feature_groups

    groups = feature_groups()
    probabilities = dict(_refitted(found, groups))
    labels = found.testing.labels.astype(np.float64)
    print(
        f"\n{history.name}: {len(found.training.labels)} training examples, {len(labels)} test "
        f"accounts, {options.members} members"
    )
    print_losses(labels, probabilities, column_counts(groups))
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="bench.ablation", description=__doc__.split("\n")[0])
    add_history(parser)
    parser.add_argument("--members", type=int, default=MEMBERS, help="networks of each fit")
    return parser.parse_args(arguments)


def kept_columns(groups: Sequence[str]) -> dict[str, Booleans]:
    """Returns by group the columns that are left without it, [columns] each."""
    each = np.array(groups)
    return {group: each != group for group in dict.fromkeys(groups)}


def column_counts(groups: Sequence[str]) -> dict[str, int]:
    """Returns how many columns each group has."""
    return {group: int((~kept).sum()) for group, kept in kept_columns(groups).items()}


def losses(
    labels: Floats, probabilities: dict[str, Floats], columns: dict[str, int]
) -> list[Dropped]:
    """Returns what each fit loses against that of ALL, the largest loss in log-loss first.

    Args:
        labels: 0 or 1, [n].
        probabilities: By what was left out, [n] each; ALL is among them.
        columns: How many columns were left out, by the same names.
    """
    from serving_model.evaluation.metrics import auc, log_loss
    from serving_model.evaluation.paired_bootstrap import paired_bootstrap

    replicates = paired_bootstrap(labels, probabilities)
    whole, base = probabilities[ALL], replicates[ALL]
    found = [
        Dropped(
            group=name,
            columns=columns.get(name, 0),
            auc_loss=auc(labels, whole) - auc(labels, without),
            auc_interval=known_interval(base["auc"] - replicates[name]["auc"]),
            log_loss_loss=log_loss(labels, without) - log_loss(labels, whole),
            log_loss_interval=known_interval(replicates[name]["log_loss"] - base["log_loss"]),
        )
        for name, without in probabilities.items()
        if name != ALL
    ]
    return sorted(found, key=lambda one: one.log_loss_loss, reverse=True)


def print_losses(labels: Floats, probabilities: dict[str, Floats], columns: dict[str, int]) -> None:
    """Prints a line for each group, as a table of Markdown."""
    from serving_model.evaluation.metrics import auc, log_loss

    whole = probabilities[ALL]
    print(f"{ALL}: AUC {auc(labels, whole):.4f}, log-loss {log_loss(labels, whole):.4f}\n")
    print("| without | columns | AUC lost | 95 % | log-loss lost | 95 % |")
    print("|---|---|---|---|---|---|")
    for one in losses(labels, probabilities, columns):
        print(
            f"| {one.group} | {one.columns} | {one.auc_loss:+.4f} | {as_text(one.auc_interval)} "
            f"| {one.log_loss_loss:+.4f} | {as_text(one.log_loss_interval)} |"
        )


def _refitted(found: TrainedHistory, groups: Sequence[str]) -> Iterator[tuple[str, Floats]]:
    columns = np.ones(len(groups), dtype=bool)
    seed = found.settings.training.seed
    yield ALL, _fitted(found, columns, seed)
    yield OTHER_SEED, _fitted(found, columns, seed + 1)
    for group, kept in kept_columns(groups).items():
        yield group, _fitted(found, kept, seed)
        print(f"  fitted without {group}", file=sys.stderr, flush=True)


def _fitted(found: TrainedHistory, kept: Booleans, seed: int) -> Floats:
    """Probabilities of the test accounts by a model that sees the kept columns alone."""
    from serving_model.learning.trainer import fit_examples

    training = found.training._replace(features=found.training.features[:, kept])
    fitted = fit_examples(training, _settings(found, seed))
    answer = fitted.served().predict(found.testing.features[:, kept], batch_size=8192, verbose=0)
    return np.asarray(answer[:, fitted.horizons.target], dtype=np.float64)


def _settings(found: TrainedHistory, seed: int) -> "TrainerSettings":
    """As the pipeline trains, but for the label's horizon alone: the others take time."""
    from pipeline.training import training_config
    from serving_model.learning.learner import TrainerSettings

    horizon = found.settings.reading.horizon_days
    own: dict[str, Any] = {"seed": seed, "churn_horizons": [horizon]}
    card = {"model_card": {"label_source": found.settings.reading.label_source}}
    return TrainerSettings.from_custom_config({**training_config(found.settings), **own, **card})


if __name__ == "__main__":
    sys.exit(main())
