"""The list of models, one in full, two compared, and what a decision about one changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

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
from pipeline.registry.lineage import ModelDetails
from pipeline.registry.listing import ModelRow
from pipeline.text.bands import other_rules, worth_lines
from pipeline.text.judgement import first_lines, horizon_lines
from pipeline.text.model_facts import (
    evidence_facts,
    origin_facts,
    published_words,
    stage_words,
)
from pipeline.text.plain_text import (
    NONE,
    bare_minute,
    fact_lines,
    minute,
    minute_of,
    short_path,
    table_lines,
    transition_text,
)
from pipeline.text.terminal import escape_controls

if TYPE_CHECKING:  # it loads TensorFlow, which a list of models can do without
    from components.model_review.sections.compared import (
        Comparison,
        Difference,
        MaturedOutcomes,
        OneEvaluation,
        Pair,
    )


_LABEL: Final = 2
"""Column of the label in the list, left out where all models learnt from the same."""


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
            *evidence_facts(details),
            ("decision file", short_path(details.decision_file) or NONE),
            ("metrics", _metrics(details)),
            *_judged(details),
            *_bands(details),
            *origin_facts(details),
            ("rows published", published_words(row)),
        ]
    )
    for transition in details.transitions:
        yield f"{f'transition {transition.number}':<14} {transition_text(transition)}"


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
