"""The list of models, one in full, two compared, and what a decision about one changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.publishing.published import PublishedWith
from components.publishing.split import share_text
from components.registry.model_properties import ModelProperties
from components.registry.stages import (
    ACCEPT,
    END_SHADOW,
    END_SPLIT,
    REJECT,
    SHADOW,
    SIGNATURES,
    SPLIT,
    UNPIN,
)
from pipeline.registry.change_stage import Outcome
from pipeline.registry.lineage import AS_RECORDED, ModelDetails
from pipeline.registry.listing import ModelRow
from pipeline.settings import default_settings
from pipeline.text.bands import other_rules, worth_lines
from pipeline.text.judgement import first_lines, horizon_lines
from pipeline.text.plain_text import (
    NONE,
    bare_minute,
    fact_lines,
    minute,
    minute_of,
    table_lines,
    transition_text,
)
from pipeline.text.summary import number_of_examples, short_path
from pipeline.text.terminal import escape_controls
from transforms.cold_start_rule import NOTHING_LEARNT, is_rule

if TYPE_CHECKING:  # it loads TensorFlow, which a list of models can do without
    from components.model_review.sections.comparison import (
        Comparison,
        Difference,
        MaturedOutcomes,
        OneEvaluation,
        Pair,
    )


_LABEL: Final = 2
"""Column of the label in the list, left out where all models learnt from the same."""


def rule_lines(published: Mapping[str, PublishedWith] | None) -> Iterator[str]:
    """Yields what the cold-start rules published, a line each; they are no models.

    Args:
        published: By version; None if that is not known.
    """
    for version, ever in (published or {}).items():
        if is_rule(version):
            yield (
                f"{version}: {NOTHING_LEARNT}; {ever.rows} rows published, last as of "
                f"{minute(ever.last_as_of)}. It is no model, and the first blessed one takes its "
                "place."
            )


def model_lines(rows: Sequence[ModelRow], place: str) -> Iterator[str]:
    """Yields the list of models, one a line under its head; or that there is none in a place."""
    if not rows:
        yield f"No model yet in {place}: `tens-insight run train` trains one."
        return
    head = ("version", "trained (UTC)", "label", "AUC", "log-loss", "gate", "now", "rows")
    table = [head, *(_cells(row) for row in rows)]
    if len({row.label_source for row in rows}) == 1:
        table = [(*cells[:_LABEL], *cells[_LABEL + 1 :]) for cells in table]
    yield from table_lines(table)


def outcome_lines(outcome: Outcome) -> Iterator[str]:
    """Yields what a transition changed, and who is champion now."""
    transition = outcome.transition
    done = {
        "promote": "Promoted",
        "withdraw": "Withdrew",
        "pin": "Pinned",
        "unpin": "Unpinned",
        ACCEPT: "Accepted",
        "approve": "Approved",
        "reject": "Rejected",
        SHADOW: "Put in shadow",
        END_SHADOW: "Took from shadow",
        SPLIT: "Split the accounts:",
        END_SPLIT: "Ended the split of",
    }
    said = f"transition {transition.number}, {transition_text(transition)}"
    yield f"{done[transition.kind]} {transition.version}: {said}"
    if transition.kind in (SHADOW, END_SHADOW):
        return
    if transition.kind == SPLIT:
        yield (
            f"{transition.other} scores {share_text(transition.share)} of the accounts, chosen by "
            f"a hash of their ids, and {transition.version} the others, from the next run on."
        )
    if transition.kind in SIGNATURES:
        yield from _signed_lines(outcome)
        return
    if outcome.after is None:
        yield (
            "There is no champion now: `run score` ends with exit code 3 until a model is blessed, "
            "accepted or promoted. account_risk_scores is as it was."
        )
    elif outcome.after == outcome.before:
        why = ", which is pinned" if outcome.pinned == outcome.after else ""
        yield f"The champion is still {outcome.after}{why}."
    else:
        yield f"The champion is now {outcome.after}; before it was {outcome.before or 'none'}."
    if outcome.after != outcome.before and outcome.after is not None:
        yield "The next run scores with it; until then account_risk_scores is as it was."
    if transition.kind == UNPIN and outcome.after == transition.version:
        yield "It is the newest blessed or accepted one anyway."


def _signed_lines(outcome: Outcome) -> Iterator[str]:
    version = outcome.transition.version
    yield "A signature changes no stage: who scores is decided by promote, withdraw and pin."
    if outcome.transition.kind == REJECT and outcome.after == version:
        yield (
            f"{version} is champion and goes on scoring; `tens-insight models withdraw {version}` "
            "takes it out of use."
        )


def stage_words(row: ModelRow) -> str:
    """Returns what a model is now: champion, pinned, withdrawn, in shadow or in a split."""
    words = [
        word
        for word, holds in (
            ("champion", row.champion),
            ("pinned", row.pinned),
            ("withdrawn", row.withdrawn),
            ("in shadow", row.in_shadow),
            ("in a split", row.in_split),
        )
        if holds
    ]
    return ", ".join(words)


def published_words(row: ModelRow) -> str:
    """Returns how many rows were published with a model, and as of when last."""
    if row.rows_published is None or row.last_published_as_of is None:
        return NONE if row.rows_published is None else "0"
    return f"{row.rows_published}, last as of {row.last_published_as_of:%Y-%m-%d}"


def _cells(row: ModelRow) -> tuple[str, ...]:
    return (
        row.version,
        bare_minute(row.trained_at),
        row.label_source or NONE,
        NONE if row.auc is None else f"{row.auc:.3f}",
        NONE if row.log_loss is None else f"{row.log_loss:.4f}",
        "accepted" if row.accepted else row.gate,
        stage_words(row) or NONE,
        published_words(row),
    )


def detail_lines(details: ModelDetails) -> Iterator[str]:
    """Yields everything about one model, a fact a line."""
    row, card = details.row, details.card
    yield from fact_lines(
        [
            ("version", row.version),
            ("now", stage_words(row) or "not the champion, not withdrawn"),
            ("trained at", minute(row.trained_at)),
            ("as of", minute_of(row.as_of)),
            ("label", _label(card)),
            ("gate", details.decision or row.gate),
            *_evidence(details),
            ("decision file", short_path(details.decision_file) or NONE),
            ("metrics", _metrics(details)),
            *_judged(details),
            *_bands(details),
            ("run", _run(details)),
            ("examples", _examples(details)),
            ("watermark", _watermark(details)),
            *((split, found) for split, found in _splits(card)),
            ("code version", card.code_version or NONE),
            ("packages", card.packages or NONE),
            ("settings", _settings(details.settings)),
            ("trained with", hyperparameters_words(card)),
            ("exported to", short_path(details.exported.path)),
            ("sha256", _hash(details)),
            ("rows published", published_words(row)),
        ]
    )
    for transition in details.transitions:
        yield f"{f'transition {transition.number}':<14} {transition_text(transition)}"


def _evidence(details: ModelDetails) -> Iterator[tuple[str, str]]:
    """Yields of a refused model what would change the verdict, and whether it may be accepted."""
    if details.missing_evidence is not None:
        yield "evidence", details.missing_evidence.sentence
    if details.row.accepted:
        yield "accepted", "by a person, although the gate did not bless it: see the transitions"
    elif details.acceptable:
        command = f"tens-insight models accept {details.row.version} --reason WHY"
        yield "may score", f"if a person accepts that it lacks evidence alone: `{command}`"
    elif details.unacceptable_because:
        yield "may score", f"no, and nobody may accept it: {details.unacceptable_because}"


def _bands(details: ModelDetails) -> Iterator[tuple[str, str]]:
    """Yields what the risk categories are worth, and what those of other rules would be."""
    if not details.bands:
        return
    own = details.bands[0]
    yield "bands", own.described
    for said in (*worth_lines(own), *other_rules(details.bands)):
        yield "", said


def _label(card: ModelProperties) -> str:
    days = NONE if card.horizon_days is None else card.horizon_days
    return f"{card.label_source or NONE}, within {days} days"


def _metrics(details: ModelDetails) -> str:
    values = [f"{name} {value:.4f}" for name, value in details.metrics.items()]
    return ", ".join(values) or NONE


def _judged(details: ModelDetails) -> Iterator[tuple[str, str]]:
    """Yields what the gate said of every horizon, and of the first accounts."""
    if details.judged is None:
        return
    for name, lines in (
        ("horizons", horizon_lines(details.judged.horizons)),
        ("first accounts", first_lines(details.judged)),
    ):
        for number, line in enumerate(lines):
            yield "" if number else name, line


def _run(details: ModelDetails) -> str:
    run = details.run
    if run is None:
        return NONE
    failed = f" at {run.failed_node}" if run.failed_node else ""
    return f"{run.pipeline} {run.run_id}, {run.state}{failed}"


def _examples(details: ModelDetails) -> str:
    if details.examples is None:
        return NONE
    gone = "" if details.examples_present else " (its eval split is gone)"
    return f"artifact {details.examples.artifact_id}, {short_path(details.examples.uri)}{gone}"


def _watermark(details: ModelDetails) -> str:
    rows = details.card.feedback_rows
    parts = [f"{NONE if rows is None else rows} rows of feedback"]
    data = details.examples.properties if details.examples else None
    if data and data.newest_feedback is not None:
        parts.append(f"newest {minute_of(data.newest_feedback)}")
    if data and data.late_rows is not None:
        parts.append(f"{data.late_rows} arrived late")
    return ", ".join(parts)


def _splits(card: ModelProperties) -> Iterator[tuple[str, str]]:
    train = number_of_examples(card.train_examples, card.train_available)
    yield "train", _split(card.train_cutoffs, train, card.train_churned, card.train_examples)
    evaluated = number_of_examples(card.eval_examples, card.eval_available)
    yield "eval", _split(card.eval_cutoffs, evaluated, card.eval_churned, card.eval_examples)


def _split(joined: str, sizes: str, churned: int, examples: int) -> str:
    cutoffs = joined.split(",")
    when = cutoffs[0][:10]
    if len(cutoffs) > 1:
        when = f"{len(cutoffs)} cutoffs from {when} to {cutoffs[-1][:10]}"
    rate = f", base rate {churned / examples:.3f}" if examples else ""
    return f"{sizes} ({when}), {churned} churned{rate}"


def _settings(found: dict[str, Any]) -> str:
    if not found:
        return NONE
    defaults = default_settings().portable()
    changed = [
        f"{name}={found[name]}"
        for name, default in sorted(defaults.items())
        if name in found and found[name] != default
    ]
    others = f"{len(found) - len(changed)} at their defaults; --json shows all"
    return f"{', '.join(changed)}; the other {others}" if changed else f"all {others}"


def hyperparameters_words(card: ModelProperties) -> str:
    """What was used, which the settings do not say where a tuner chose."""
    if card.hyperparameters is None:
        return NONE
    values = [f"{name}={_rounded(value)}" for name, value in card.hyperparameters.items()]
    return f"{', '.join(values)}; from {card.hyperparameters_from}"


def _rounded(value: Any) -> Any:
    return f"{value:.3g}" if isinstance(value, float) else value


def _hash(details: ModelDetails) -> str:
    exported = details.exported
    warning = "" if exported.found == AS_RECORDED else "WARNING: "
    return f"{exported.sha256 or NONE} ({warning}{exported.found})"


_LONG: Final = 60


def comparison_lines(found: "Comparison") -> Iterator[str]:
    """Yields two models side by side."""
    yield f"a  {found.a}"
    yield f"b  {found.b}"
    yield ""
    if found.not_matured:
        yield f"Outcomes are not enough: {found.not_matured}."
    if found.matured is not None:
        yield from _matured_lines(found.matured)
    elif found.evaluation is None:
        yield f"Not compared on one evaluation set. {found.not_compared}"
    else:
        yield from _evaluation_lines(found.evaluation)
    yield ""
    yield from _differing("Data and code that differ", found.data)
    yield ""
    yield from _differing("Settings that differ", found.settings)


def _matured_lines(matured: "MaturedOutcomes") -> Iterator[str]:
    yield (
        f"On outcomes that are known by now: {matured.accounts} accounts that both scored, "
        f"{matured.churned} left within {matured.horizon_days} days; windows that begin from "
        f"{matured.first[:10]} to {matured.last[:10]}"
    )
    yield from _metric_lines(matured.metrics)


def _metric_lines(metrics: "Mapping[str, Pair]") -> Iterator[str]:
    head = ("", "a", "b", "b - a", "paired 95 % interval", "")
    yield from table_lines([head, *(_metric_cells(name, pair) for name, pair in metrics.items())])


def _evaluation_lines(evaluation: "OneEvaluation") -> Iterator[str]:
    yield (
        f"On the evaluation set of {evaluation.version}: cutoff {evaluation.cutoff[:10]}, "
        f"{evaluation.accounts} accounts, {evaluation.churned} churned"
    )
    yield from _metric_lines(evaluation.metrics)
    yield ""
    yield f"The {len(evaluation.moved)} accounts that move most"
    head = ("account", "a", "b", "b - a", "category", "")
    rows = [
        (
            moved.account_id,
            f"{moved.before:.1%}",
            f"{moved.after:.1%}",
            f"{moved.after - moved.before:+.1%}",
            moved.category_before
            if moved.category_before == moved.category_after
            else f"{moved.category_before} to {moved.category_after}",
            "churned" if moved.churned else "",
        )
        for moved in evaluation.moved
    ]
    yield from table_lines([head, *rows])


def _metric_cells(name: str, pair: "Pair") -> tuple[str, ...]:
    values = (name, f"{pair.a:.4f}", f"{pair.b:.4f}")
    if pair.difference is None or pair.difference.interval is None:
        return (*values, "-", "-", "cannot be computed")
    low, high = pair.difference.interval
    sure = low > 0 or high < 0
    ends = f"[{low:+.4f}, {high:+.4f}]"
    return (*values, f"{pair.difference.value:+.4f}", ends, "" if sure else "may be chance")


def _differing(title: str, rows: Iterable["Difference"]) -> Iterator[str]:
    cells = [(row.name, _short(row.a), _short(row.b)) for row in rows]
    yield title if cells else f"{title}: none that is recorded"
    if cells:
        yield from table_lines([("", "a", "b"), *cells])


def _short(value: Any) -> str:
    text = minute_of(escape_controls(str(value)))
    if "," in text and len(text) > _LONG:
        parts = text.split(",")
        first, last = (part[:16].replace("T", " ") for part in (parts[0], parts[-1]))
        return f"{len(parts)} from {first} to {last}"
    return text
