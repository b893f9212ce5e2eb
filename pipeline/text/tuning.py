"""Prints what a tuning run found."""

import json
from collections.abc import Iterable
from typing import Any

from rich.console import Console

from components.feedback_example_gen.cutoffs import TRAIN
from pipeline.runs.tuning_run import TuningSummary
from pipeline.text.summary import print_facts, short_path


def render_tuning(summary: TuningSummary, out: Console) -> None:
    """Prints the hyperparameters, what they are worth, and who takes them."""
    better = summary.settings_log_loss - summary.log_loss
    out.print()
    out.print(
        f"Measured {summary.trials} sets of hyperparameters: log-loss {summary.log_loss:.4f} at "
        f"best, {summary.settings_log_loss:.4f} with the settings.",
        style="bold",
    )
    print_facts(_facts(summary), out)
    out.print()
    for name, value in summary.values.items():
        told = f"{_short(value):<12} settings: {_short(summary.settings_values[name])}"
        out.print(f"  {name:<16} {told}", markup=False)
    out.print()
    if not better:
        out.print("Nothing better than the settings was found; the next `run train` stays.")
    else:
        out.print(
            "The next `run train` takes them; with TENS_INSIGHT_HYPERPARAMETERS=settings it does "
            "not."
        )


def _facts(summary: TuningSummary) -> Iterable[tuple[str, str]]:
    data = summary.data
    yield "tuner run", summary.tuner_run
    yield "database", summary.database
    yield "as of", data.as_of
    yield "label", f"{data.label_source}, churn within {data.horizon_days} days"
    train = data.splits[TRAIN]
    cutoffs = len(train.cutoff_list)
    yield "train", f"{train.examples} examples ({cutoffs} cutoffs), {train.churned} churned"
    yield "folds", summary.folds
    yield "data checks", summary.data_gate.counts()
    for line in summary.data_gate.warning_lines(short_path(summary.data_gate.file)):
        yield "warning", line


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value)
