"""Prints summaries for people; rich leaves colours out where NO_COLOR or no terminal asks."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from components.model_gate.gate_check import GateCheck
from components.registry.input_notes import input_notes
from components.registry.input_properties import Split
from components.registry.published_properties import CATEGORIES, PublishedScoresProperties
from components.verdicts import SKIPPED
from pipeline.runs.summary import RunSummary
from pipeline.text.bands import worth_lines
from pipeline.text.judgement import first_line, unjudged_line
from pipeline.text.outcomes import recorded_words
from pipeline.text.plain_text import (
    minute_of,
    number_of_examples,
    short_path,
    table_lines,
    transition_text,
)
from pipeline.text.terminal import escape_controls

if TYPE_CHECKING:
    from components.model_gate.decision_file import Decision
import json
from typing import Any

from components.feedback_example_gen.cutoffs import TRAIN
from pipeline.runs.tuning_run import TuningSummary

_COLOURS = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "green"}


def print_facts(rows: Iterable[tuple[str, str]], out: Console) -> None:
    """Prints names and values, one a line, never broken: they may be piped or copied."""
    for name, value in rows:
        out.print(Text.assemble((f"{name:<12}", "dim"), " ", escape_controls(value)))


def render_summary(summary: RunSummary, out: Console) -> None:
    """Prints what a run published, how good the model is, and where to look further."""
    out.print()
    published, areas = summary.published.published_count, summary.areas.published_count
    out.print(f"Published {published} account scores and {areas} product areas.", style="bold")
    print_facts(_facts(summary), out)
    out.print()
    if summary.not_shown:
        out.print(f"Warning: {escape_controls(summary.not_shown)}", style="yellow")
    else:
        _render_accounts(summary, out)
        _render_areas(summary, out)
    if summary.gate:
        render_checks(summary.gate, out)
    if summary.report:
        out.print()
        out.print(f"Evaluation report: {escape_controls(short_path(summary.report))}", style="bold")
    if summary.report_copy_problem:
        out.print(f"Warning: {escape_controls(summary.report_copy_problem)}", style="yellow")


def _render_accounts(summary: RunSummary, out: Console) -> None:
    out.print(f"The {len(summary.highest)} accounts most at risk", style="bold")
    for risk in summary.highest:
        colour, account = _COLOURS[risk.risk_category], escape_controls(risk.account_id)
        out.print(
            f"  {account:<24} {risk.churn_probability:7.1%}  {risk.risk_category}",
            style=colour,
        )


def render_checks(gate: "Decision", out: Console) -> None:
    """Prints every check of the gate, a line each; what was skipped comes last."""
    out.print()
    out.print(f"The checks of {escape_controls(gate.model_version)}", style="bold")
    rows: list[tuple[str, ...]] = [("check", "of", "value", "interval", "threshold", "verdict")]
    rows += map(_check, sorted(gate.checks, key=lambda check: check.verdict == SKIPPED))
    for line in table_lines(rows, indent="  ", whole=(3, 5)):
        colour = "red" if line.endswith("failed") else ""
        out.print(line, style=colour)


def _check(check: GateCheck) -> tuple[str, ...]:
    value = "-" if check.value is None else f"{check.value:.4f}"
    ends = "-" if check.interval is None else "[{:.3f}, {:.3f}]".format(*check.interval)
    threshold = check.threshold if check.verdict != SKIPPED else check.message.partition(": ")[2]
    return check.name, check.slice, value, ends, threshold, check.verdict


def _render_areas(summary: RunSummary, out: Console) -> None:
    out.print()
    out.print(f"The {len(summary.top_areas)} product areas of highest priority", style="bold")
    rows = [
        (
            f"{area.product_area} / {area.segment}",
            f"{area.priority_score:.1f}",
            f"{area.feedback_count} rows, {area.negative_count} negative, "
            f"{area.critical_count} critical, sentiment {area.avg_sentiment_score:+.2f}",
        )
        for area in summary.top_areas
    ]
    for line in table_lines(rows, right=(1,), indent="  "):
        out.print(line)


def _facts(summary: RunSummary) -> Iterator[tuple[str, str]]:
    yield from _read(summary)
    yield from _scores(summary)
    yield "areas", _areas(summary)
    yield from _outcomes(summary)
    yield from _learnt_from(summary)
    yield from _monitoring(summary)
    yield from _judged(summary)
    yield from _scored_with(summary)
    yield from _left_behind(summary)


def _named(name: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yields lines, the first of which has the name."""
    for number, line in enumerate(lines):
        yield "" if number else name, line


def _read(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields what was read, from where."""
    data = summary.data
    yield "database", summary.database
    yield "state", summary.state_dir
    yield "as of", minute_of(data.as_of)
    yield "label", f"{data.label_source}, churn within {data.horizon_days} days"
    yield "data", _data(summary)
    yield from _named("input", input_notes(data, summary.published))


def _scores(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields what was published of accounts, and what its risk bands are worth."""
    published = summary.published
    counts = [f"{published.categories.get(name, 0)} {name}" for name in CATEGORIES]
    yield "risk", f"{', '.join(counts)}; mean probability {published.mean_probability:.3f}"
    yield from _named("bands", band_notes(published))
    if published.bands_warning:
        yield "warning", published.bands_warning
    if summary.bands_worth is not None:
        yield from _named("worth", worth_lines(summary.bands_worth))
    if published.removed_count:
        yield "removed", f"{published.removed_count} accounts that are no longer scored"


def _outcomes(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields what came of earlier scores, and what is expected of these."""
    if not summary.outcomes:
        return
    yield "outcomes", recorded_words(summary.outcomes)
    if summary.outcomes.withheld:
        yield "warning", summary.outcomes.withheld
    yield from _estimated(summary)


def _learnt_from(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields the examples with labels, and what was checked of the data."""
    splits = summary.data.splits
    for name in ("train", "eval"):
        if name in splits:
            yield name, _split(splits[name])
    yield "data checks", summary.data_gate.counts()
    for line in summary.data_gate.warning_lines(short_path(summary.data_gate.file)):
        yield "warning", line


def _judged(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields how good the challenger is, and what the gate decided."""
    if summary.hyperparameters_from:
        yield "trained with", f"hyperparameters of {summary.hyperparameters_from}"
    if summary.gate:
        yield "quality", _quality(summary.gate)
        yield from (("", line) for line in _more_quality(summary.gate) if line)
        yield "gate", summary.gate.summary
        yield from _named("evidence", evidence_notes(summary.gate))


def _scored_with(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields which model scored, and which ones beside it."""
    published = summary.published
    yield "scored with", _champion(summary)
    if summary.accepted:
        yield "", f"accepted, not blessed: {transition_text(summary.accepted)}"
    if summary.by_rule:
        yield "", _NOT_LEARNT
    for sentence in summary.not_learnt:
        yield "not trained", sentence
    if published.split:
        yield "", published.split
    if published.shadows:
        yield "in shadow", ", ".join(published.shadows)
    for note in published.notes or ():
        yield "warning", note


def _left_behind(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields where the model lies, and whom the run could not tell."""
    yield "model", short_path(summary.model_uri)
    if summary.pushed_to:
        yield "pushed to", short_path(summary.pushed_to)
    for problem in summary.untold:
        yield "warning", problem


def evidence_notes(gate: "Decision") -> Iterator[str]:
    """Yields what would change the verdict on a refused challenger, and who may publish with it."""
    if gate.missing_evidence is not None:
        yield gate.missing_evidence.sentence
    if gate.acceptable:
        yield (
            f"it lacks evidence alone: `tens-insight models accept {gate.model_version} --reason "
            "WHY` publishes with it"
        )


_NOT_LEARNT: Final = (
    "nothing was learnt: a rule with fixed weights ranks the accounts, and the mean probability is "
    "your TENS_INSIGHT_ASSUMED_CHURN_RATE; the first blessed model takes its place "
    "(docs/cold-start.md)"
)
_ESTIMATED: Final = {"auc": ("AUC", ".3f"), "log_loss": ("log-loss", ".4f")}
"""How metrics are told, by name."""


def _estimated(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """Yields what is expected of the scores, beside what the gate saw, and what nobody can know."""
    found = summary.outcomes.estimated if summary.outcomes else {}
    if not found or summary.by_rule:  # from the rule's own probabilities nothing can be expected
        return
    told, seen = [], []
    for name, (title, digits) in _ESTIMATED.items():
        if name not in found:
            continue
        one = found[name]
        ends = [format(end, digits) for end in (one.low, one.high) if end is not None]
        told.append(f"{title} {one.value:{digits}}" + (f" [{', '.join(ends)}]" if ends else ""))
        value = getattr(summary.judged, name, None)
        seen += [] if value is None else [f"{title} {value:{digits}}"]
    gate = f"; at the gate {', '.join(seen)}" if seen else ""
    yield "estimated", f"{', '.join(told)} of these scores{gate}"
    known = datetime.fromisoformat(summary.data.as_of) + timedelta(days=summary.data.horizon_days)
    yield (
        "",
        "from their probabilities alone: a reason to leave that no feature shows is not seen "
        f"before outcomes, from {known:%Y-%m-%d} on",
    )


def _monitoring(summary: RunSummary) -> Iterator[tuple[str, str]]:
    found = summary.monitoring
    if found is None:
        return
    alarms = found.alarms or ()
    told = f"{len(alarms)} {'alarm' if len(alarms) == 1 else 'alarms'} open" if alarms else ""
    yield "monitoring", f"{found.measures} measures, {told or 'nothing unusual'}"
    for alarm in alarms:
        yield "alarm", alarm
    for note in found.notes or ():
        yield "", note


def _data(summary: RunSummary) -> str:
    data = summary.data
    parts = [
        f"{data.feedback_rows} rows of feedback",
        f"{data.rows_without_account} without account_id",
        f"{data.rows_in_future} after as_of, ignored",
    ]
    if data.rows_without_date:
        parts.append(f"{data.rows_without_date} without a possible date, ignored")
    if (late := data.late_rows) is not None:
        parts.append(f"{late} arrived late" if late >= 0 else f"{-late} gone since the last run")
    return ", ".join(parts)


def _areas(summary: RunSummary) -> str:
    areas = summary.areas
    if areas.not_published is not None:
        return f"not published: {areas.not_published}"
    parts = [
        f"{areas.published_count} pairs of {areas.rows} rows in {areas.window_days} days",
        areas.weights_version,
    ]
    if areas.unnamed_rows:
        parts.append(f"{areas.unnamed_rows} rows without area or tier, ignored")
    if areas.removed_count:
        parts.append(f"{areas.removed_count} pairs without feedback, removed")
    return ", ".join(parts)


def _split(found: Split) -> str:
    cutoffs = [datetime.fromisoformat(text) for text in found.cutoff_list]
    rate = found.churned / found.examples
    when = f"{cutoffs[0]:%Y-%m-%d}"
    if len(cutoffs) > 1:
        when = f"{len(cutoffs)} cutoffs from {when} to {cutoffs[-1]:%Y-%m-%d}"
    sizes = number_of_examples(found.examples, found.available)
    return f"{sizes} ({when}), {found.churned} churned, base rate {rate:.3f}"


def _quality(gate: "Decision") -> str:
    """Returns the challenger's metrics as one line."""
    own = gate.metrics["challenger"]
    (area,) = [check for check in gate.checks if check.name == "auc above chance"]
    low, high = area.interval or (float("nan"), float("nan"))
    return (
        f"AUC {own['auc']:.3f} [{low:.3f}, {high:.3f}], PR AUC {own['pr_auc']:.3f}, "
        f"log-loss {own['log_loss']:.4f}, calibration error {own['calibration_error']:.4f}"
    )


def _more_quality(gate: "Decision") -> Iterator[str]:
    """Yields what the first accounts are worth, and which horizons were not judged."""
    yield first_line(gate)
    yield unjudged_line(gate.horizons)


def band_notes(published: PublishedScoresProperties) -> Iterator[str]:
    """Yields sentences about the rule of the risk bands, the rule itself first."""
    yield published.risk_bands
    if published.former_risk_bands is not None:
        yield (
            f"changed: the last publication's were by {published.former_risk_bands}; the circuit "
            "breaker did not compare the categories"
        )
    if published.model_risk_bands is not None:
        yield (
            "by the settings; when the model was trained they were by "
            f"{published.model_risk_bands}"
        )
    if ties := published.divided_ties:
        yield f"{ties} accounts of equal probabilities are in two bands, parted by account id"


def _champion(summary: RunSummary) -> str:
    version = summary.published.model_version
    if summary.by_rule:
        refused = "; today's challenger was not blessed" if summary.gate else ""
        return f"the cold-start rule {version}{refused}"
    if summary.gate is None:
        return f"champion {version}, trained as of {minute_of(summary.champion.as_of)}"
    if summary.gate.blessed:
        return f"{version}, trained in this run"
    return f"former champion {version}; today's challenger was not blessed"


def render_tuning(summary: TuningSummary, out: Console) -> None:
    """Prints the hyperparameters, what they are worth, and who takes them."""
    better = summary.settings_log_loss - summary.log_loss
    out.print()
    out.print(
        f"Measured {summary.trials} sets of hyperparameters: log-loss {summary.log_loss:.4f} at "
        f"best, {summary.settings_log_loss:.4f} with the settings.",
        style="bold",
    )
    print_facts(_tuning_facts(summary), out)
    out.print()
    for name, value in summary.values.items():
        told = f"{_short(value):<12} settings: {_short(summary.settings_values[name])}"
        out.print(f"  {name:<16} {told}")
    out.print()
    if not better:
        out.print("Nothing better than the settings was found; the next `run train` stays.")
    else:
        out.print(
            "The next `run train` takes them; with TENS_INSIGHT_HYPERPARAMETERS=settings it does "
            "not."
        )


def _tuning_facts(summary: TuningSummary) -> Iterable[tuple[str, str]]:
    data = summary.data
    yield "tuner run", summary.tuner_run
    yield "database", summary.database
    yield "state", summary.state_dir
    yield "as of", minute_of(data.as_of)
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
